// What a conversion will do, need and take, before it does it.

package import HHCompute
internal import HHFormat
package import HHModel
internal import HHTraining

/// The plan of a conversion: printable, and computed without training anything.
package struct ConversionPlan: Sendable, Equatable {
  package let source: String
  package let output: String
  package let architecture: String
  package internal(set) var rewrite: RewritePlan
  package let report: RewriteReport
  /// How the feature maps are trained; nil where they are not.
  package let training: Training?
  /// Bytes of memory at the peak, estimated; where the model is run, the mapped checkpoint counts as
  /// resident, though the system can take it back.
  package let memory: Int
  /// Wall time, estimated from the operations and the speed of a matrix product on this machine, or
  /// from the bytes where nothing is trained.
  package let seconds: Double

  /// The source's quantised tensors; nil where there are none.
  package var quantized: Quantized?

  /// Tensors that a GGUF source has in quantised blocks.
  package struct Quantized: Sendable, Equatable {
    /// Bytes of the blocks.
    package let stored: Int
    /// Bytes of the same weights as float32.
    package let floats: Int
    /// Whether the artifact keeps the blocks.
    package let areKept: Bool

    /// Adds the quantised tensors of a model up; nil where there are none.
    init?(_ checkpoint: Checkpoint, _ names: NameMap, areKept: Bool) {
      let sizes = names.entries.compactMap { entry in
        checkpoint.blockType(of: entry.tensor.name)?
          .byteCount(ofElements: entry.tensor.elementCount)
          .map { (stored: $0, floats: entry.tensor.byteCount) }
      }
      guard !sizes.isEmpty else { return nil }
      stored = sizes.reduce(0) { $0 + $1.stored }
      floats = sizes.reduce(0) { $0 + $1.floats }
      self.areKept = areKept
    }
  }

  /// The training of feature maps.
  package struct Training: Sendable, Equatable {
    /// In words: where the training rows come from.
    package let data: String
    package let steps: Int
    package let batchSize: Int
    /// Whether a teacher is distilled; otherwise the weights are trained without one.
    package let hasTeacher: Bool
    /// Positions per row.
    package let length: Int
    /// Whether feature maps are distilled; those of an artifact may be learnt already.
    package let distils: Bool
    /// How many layers are chosen after distillation that keep softmax; nil for none.
    package let softmaxCount: Int?
    /// Distinct training rows.
    package let rowCount: Int
    /// Of the teacher's matrix products.
    package let precision: ProductPrecision
    /// What was measured where a precision was to be chosen; nil where it was given.
    package let choice: PrecisionChoice?
    /// What is trained afterwards; nil where nothing is.
    package let finetuning: Finetuning?
  }

  /// The finetuning of the converted model.
  package struct Finetuning: Sendable, Equatable {
    package let steps: Int
    /// Rows per step.
    package let batchSize: Int
    /// What the model is trained to do, in a word.
    package let objective: String
    /// In words: what is trained.
    package let trained: String
    /// Of the matrix products of model and teacher.
    package let precision: ProductPrecision

    init(_ recipe: TrainingPlan, objective: ObjectiveKind) {
      steps = recipe.steps
      batchSize = recipe.batchSize * recipe.accumulation
      self.objective = objective.word
      trained =
        recipe.lora.map { "adapters of rank \($0.rank) and feature maps" }
        ?? (recipe.trained.weights ? "all weights" : "feature maps")
      precision = recipe.precision.product
    }
  }

  /// New parameters as a share of the converted model, 0 to 1.
  package var newShare: Double {
    let new = Double(rewrite.newParameterCount)
    return new / (new + Double(report.keptParameterCount))
  }

  /// The plan as text, a line per block.
  package var text: String {
    var lines = [
      "source       \(source) (\(architecture), \(Format.count(report.keptParameterCount)) parameters)",
      "output       \(output)",
    ]
    if let training {
      lines += [
        "data         \(training.data)"
      ]
      if training.distils {
        lines.append(
          "distillation \(training.steps) steps of \(training.batchSize) rows of"
            + " \(training.length), \(training.rowCount) distinct rows"
            + training.precision.words)
      }
      if let finetuning = training.finetuning {
        lines.append(
          (training.hasTeacher ? "finetuning   " : "training     ")
            + "\(finetuning.steps) steps of \(finetuning.batchSize) rows on"
            + " \(finetuning.objective), \(finetuning.trained)" + finetuning.precision.words)
      }
      if let count = training.softmaxCount {
        lines.append("softmax      in \(count) of the layers, chosen after distillation")
      }
      if let choice = training.choice { lines.append("precision    \(choice.words)") }
    } else {
      lines.append("distillation none: the new maps start at the identity")
    }
    lines += [
      "new          \(Format.count(rewrite.newParameterCount)) parameters, "
        + "\(Format.fixed(100 * newShare, 3)) % of the converted model",
      "state        \(Format.count(rewrite.stateCount)) floats per sequence, whatever its length",
      "memory       about \(Format.bytes(memory))",
      "time         about \(Format.duration(seconds))",
    ]
    if let quantized {
      lines.append(
        "weights      "
          + (quantized.areKept
            ? "\(Format.bytes(quantized.stored)) in their quantised blocks, which are kept where nothing is"
              + " trained; as float32 they are \(Format.bytes(quantized.floats))"
            : "\(Format.bytes(quantized.floats)) as float32, of \(Format.bytes(quantized.stored)) in quantised"
              + " blocks"))
    }
    lines += blockLines
    for entry in report.entries {
      if case .dropped(let why) = entry.fate { lines.append("drops \(entry.name): \(why)") }
    }
    return joined(lines: lines)
  }

  /// A line for every run of equal blocks.
  private var blockLines: [String] {
    var runs: [(first: Int, last: Int, text: String)] = []
    for block in rewrite.blocks {
      let text =
        "\(block.headCount) heads of \(block.headSize)"
        + (block.keyValueHeadCount == block.headCount
          ? "" : " on \(block.keyValueHeadCount) key/value heads")
        + ", softmax -> \(block.map.summary), \(Format.count(block.parameterCount)) new parameters"
      if let run = runs.last, run.text == text, run.last == block.layer - 1 {
        runs[runs.count - 1].last = block.layer
      } else {
        runs.append((block.layer, block.layer, text))
      }
    }
    return runs.map { run in
      run.first == run.last
        ? "layer \(run.first): \(run.text)"
        : "layers \(run.first) to \(run.last), each: \(run.text)"
    }
  }
}

extension PrecisionChoice {
  /// What a plan says of it.
  fileprivate var words: String {
    if let missing = ProductPrecision.missingUnits { return "float32: \(missing)" }
    return "\(precision.rawValue): products in bfloat16 run \(Format.fixed(gain, 1)) times as fast"
      + " as in float32"
  }
}

extension ProductPrecision {
  /// What a plan says of it: nothing where it is as usual.
  fileprivate var words: String { self == .float32 ? "" : ", products in \(rawValue)" }
}
