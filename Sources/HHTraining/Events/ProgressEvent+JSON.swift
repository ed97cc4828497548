// Progress as JSON objects.

package import HHFormat

extension ProgressEvent {
  /// The event with its kind under `event`, settings spelled as told.
  package func json(_ spelling: (SettingKey) -> String) -> JSONObject {
    switch self {
    case .stage(let name): ["event": .string("stage"), "stage": .string(name)]
    case .sampled(let tokens, let total):
      [
        "event": .string("sampled"), "tokens": .integer(tokens),
        "of": .integer(total),
      ]
    case .step(let step):
      [
        "event": .string("step"), "stage": .string("distil"),
        "layer": .integer(step.layer), "layers": .integer(step.layerCount),
        "step": .integer(step.step), "steps": .integer(step.steps),
        "loss": .number(step.loss), "tokens_per_second": .number(step.tokensPerSecond),
        "seconds_left": .number(step.secondsLeft),
      ]
    case .measured(let measurement): measurement.json
    case .layerFinished(let layer, let total):
      layer.json(leading: ["event": .string("layer"), "layers": .integer(total)])
    case .kept(let layers):
      ["event": .string("kept"), "softmax_layers": layers.json]
    case .finetuneStep(let step):
      [
        "event": .string("step"), "stage": .string(step.stage),
        "step": .integer(step.step), "steps": .integer(step.steps),
        "loss": .number(step.loss), "gradient_norm": .number(step.gradientNorm),
        "learning_rate": .number(step.rate), "tokens_per_second": .number(step.tokensPerSecond),
        "seconds_left": .number(step.secondsLeft),
      ]
    case .finetuned(let summary):
      summary.json(leading: ["event": .string("finetuned")])
    case .written(let done, let total):
      [
        "event": .string("written"), "bytes": .integer(done), "of": .integer(total),
      ]
    case .verified(let done, let total):
      [
        "event": .string("verified"), "bytes": .integer(done), "of": .integer(total),
      ]
    case .warning(let text):
      ["event": .string("warning"), "message": .string(text.spelled(spelling))]
    }
  }
}

extension Measurement {
  fileprivate var json: JSONObject {
    var object: JSONObject = ["event": .string("measured"), "stage": .string(stage)]
    if let layer { object["layer"] = .integer(layer) }
    object["step"] = .integer(step)
    object["held_out_loss"] = .number(loss)
    if !perHead.isEmpty { object["kl_per_head"] = .array(perHead.map { .number($0) }) }
    return object
  }
}

extension DistilledLayer {
  /// The result behind other members.
  package func json(leading: JSONObject = [:]) -> JSONObject {
    var object = leading
    object["layer"] = .integer(layer)
    object["kl_before"] = .number(klBefore)
    object["kl_after"] = .number(klAfter)
    object["kl_per_head"] = .array(klPerHead.map { .number($0) })
    return object
  }
}

extension FinetuneSummary {
  package func json(leading: JSONObject = [:]) -> JSONObject {
    var object = leading
    object["objective"] = .string(objective)
    object["loss_before"] = .number(lossBefore)
    object["loss_after"] = .number(lossAfter)
    if let teacherLoss { object["teacher_loss"] = .number(teacherLoss) }
    object["steps"] = .integer(steps)
    object["trained_parameters"] = .integer(parameterCount)
    object["tokens_per_second"] = .number(tokensPerSecond)
    return object
  }
}
