// Events as JSON objects, one per line of `--json` and of a run's event log.

internal import HHAnalysis
internal import HHCompute
package import HHFormat
internal import HHModel
internal import HHTraining

extension ConversionEvent {
  /// The event as a line of JSON, settings spelled as told.
  package func jsonLine(_ spelling: (SettingKey) -> String = { $0.description }) -> String {
    JSONValue.object(json(spelling)).line + "\n"
  }

  /// The event with when it was; of a stage also how much memory was taken until then.
  func object(at moment: Moment) -> JSONObject {
    var object = json { $0.description }
    object[Moment.key] = .number(moment.seconds)
    if case .progress(.stage) = self {
      object["peak_memory_bytes"] = .integer(moment.peakMemory)
    }
    return object
  }

  /// The event with its kind under `event`.
  private func json(_ spelling: (SettingKey) -> String) -> JSONObject {
    switch self {
    case .reading(let inputs): inputs.json
    case .planned(let plan): plan.json
    case .resumed(let checkpoint):
      ["event": .string("resumed"), "checkpoint": checkpoint.map { .string($0) } ?? .null]
    case .progress(let event): event.json(spelling)
    case .evaluated(let result): result.json(leading: ["event": .string("evaluated")])
    case .failed(let reason): ["event": .string("failed"), "message": .string(reason)]
    case .summary(let summary): summary.json
    }
  }
}

/// When something was, since a conversion began, and what that had taken by then.
struct Moment {
  /// Wall time.
  let seconds: Double
  /// Highest resident memory of the process.
  let peakMemory: Int

  /// What an event calls its time.
  static let key = "at"
}

extension ConversionInputs {
  fileprivate var json: JSONObject {
    [
      "event": .string("reading"), "source": .string(source),
      "architecture": .string(architecture), "parameters": .integer(parameterCount),
      "data": .array(data.map { .string($0) }),
    ]
  }
}

extension EvaluationResult {
  /// The result behind other members.
  func json(leading: JSONObject = [:]) -> JSONObject {
    var object = leading
    object["task"] = .string(task)
    object["after"] = .string(after)
    object["examples"] = .string(data)
    object["figures"] = .array(figures.map { .object($0.json) })
    return object
  }
}

extension EvaluationFigure {
  /// The figure, and where there is a softmax model its own and the share of it that is kept.
  package var json: JSONObject {
    var object: JSONObject = ["name": .string(name), "value": .number(value)]
    if isCost { object["is_cost"] = .bool(true) }
    if let positions {
      object["positions"] = .array([
        .integer(positions.lowerBound), .integer(positions.upperBound),
      ])
    }
    if let teacher, let recovered {
      object["softmax"] = .number(teacher)
      object["recovered"] = .number(recovered)
    }
    return object
  }
}

extension ConversionPlan {
  /// The plan as `--dry-run --json` prints it.
  var json: JSONObject {
    var object: JSONObject = [
      "event": .string("plan"), "source": .string(source), "output": .string(output),
      "architecture": .string(architecture),
      "blocks": .array(
        rewrite.blocks.map { block in
          .object([
            "layer": .integer(block.layer), "heads": .integer(block.headCount),
            "key_value_heads": .integer(block.keyValueHeadCount),
            "head_size": .integer(block.headSize),
            "new_parameters": .integer(block.parameterCount),
          ])
        }),
      "new_parameters": .integer(rewrite.newParameterCount),
      "new_share": .number(newShare),
    ]
    if let training {
      object["data"] = .string(training.data)
      object["steps"] = .integer(training.steps)
      object["batch"] = .integer(training.batchSize)
      object["length"] = .integer(training.length)
      object["rows"] = .integer(training.rowCount)
      object["precision"] = .string(training.precision.rawValue)
      object["bfloat16_gain"] = training.choice.map { .number($0.gain) }
      if let finetuning = training.finetuning {
        object["finetuning"] = .object([
          "steps": .integer(finetuning.steps),
          "batch": .integer(finetuning.batchSize),
          "objective": .string(finetuning.objective), "trained": .string(finetuning.trained),
          "precision": .string(finetuning.precision.rawValue),
        ])
      }
    }
    object["memory_bytes"] = .integer(memory)
    object["seconds"] = .number(seconds)
    object["tensors"] = .array(
      report.entries.map { entry in
        .object([
          "name": .string(entry.name), "dtype": .string(entry.dtype.rawValue),
          "shape": .array(entry.shape.map { .integer($0) }),
          "fate": .string(entry.fate.word),
        ])
      })
    return object
  }
}

extension ConversionSummary {
  fileprivate var json: JSONObject {
    var object: JSONObject = ["event": .string("summary"), "output": .string(output)]
    if let training {
      object["kl_before"] = .number(training.klBefore)
      object["kl_after"] = .number(training.klAfter)
    }
    object["seconds"] = .number(seconds)
    object["peak_memory_bytes"] = .integer(peakMemory)
    if let training {
      object["tokens_per_second"] = .number(training.tokensPerSecond)
      object["steps"] = .integer(training.steps)
    }
    object["artifact_bytes"] = .integer(artifactBytes)
    object["raw_bytes"] = .integer(rawBytes)
    if let finetuning = training?.finetuning { object["finetuning"] = .object(finetuning.json()) }
    if let evaluations = training?.evaluations, !evaluations.isEmpty {
      object["evaluations"] = .array(evaluations.map { .object($0.json()) })
    }
    if let verdict = training?.verdict {
      object["verdict"] = .object([
        "grade": .string(verdict.grade.rawValue), "reason": .string(verdict.reason),
        "try": .array(verdict.remedies.map { .string($0.rawValue) }),
      ])
    }
    if let training { object["layers"] = .array(training.layers.map { .object($0.json()) }) }
    return object
  }
}
