// Everything a user can choose about a conversion.

internal import HHAnalysis
internal import HHData
internal import HHFormat
package import HHModel
package import HHTraining

/// The settings of one conversion; only the model is required.
package struct ConversionOptions: Sendable, Equatable {
  /// A measurement between stages or after them.
  package struct Evaluation: Sendable, Equatable {
    /// What is measured, on what.
    package var settings: EvaluationSettings
    /// The stage that comes before it: `rewrite`, `distil` or `finetune`.
    package var after: String
  }

  /// A checkpoint file, a shard index or a folder.
  package var model: String
  /// What is trained without a teacher, from the weights in `model`; nil for a conversion.
  package var start: TrainingStart?
  /// Whether softmax attention is replaced; training without a teacher may keep it.
  package var rewrites = true
  /// Path of the artifact; nil means the model's name in the working folder.
  package var output: String?
  /// A new folder for the adapters that finetuning trained, as PEFT keeps them; nil writes none.
  package var adapter: String?
  /// The model that a PEFT adapter in `model` was trained on; nil for a model of its own.
  package var base: String?
  /// A configuration file to use instead of the `config.json` beside the checkpoint.
  package var configuration: String?
  /// A tokenizer to use, and carry along, instead of the model's own: a folder, or one of its files.
  package var tokenizer: String?
  /// What to do; without `distil` no data is needed and no model is run.
  package var stages = ConversionStage.standard
  /// What softmax attention becomes.
  package var attention = LinearAttentionSettings()
  /// Text, token ids or images to distil on; nil means the model's own samples, or synthetic ones.
  package var data: String?
  /// Data to measure on; nil holds back some rows of the training data.
  package var heldOut: String?
  /// Tokens per row; nil means 256, or as many as the model's positions allow.
  package var length: Int?
  /// How the feature maps are trained.
  package var distillation = DistillationRecipe()
  /// How the whole model is trained afterwards.
  package var finetuning = FinetuneRecipe()
  /// What is measured, and when.
  package var evaluations: [Evaluation] = []
  /// A new folder from which the conversion can be resumed; nil keeps none.
  package var run: String?
  /// Rates that a run that goes on was trained at before.
  var earlierRates = EarlierRates()
  /// Steps of training between two checkpoints of a run.
  package var checkpointSteps = 100
  /// Bytes of memory that training may take, mapped weights not counted; nil is three quarters of
  /// the machine's. Where that is too little, hidden states lie on disk beside the output.
  package var maximumMemory: Int?
  /// Threads to use.
  package var threads: Int
  /// Whether the artifact leaves what it has in common with the model to the model.
  package var delta = false
  /// Whether an existing output may be replaced.
  package var force = false
  /// Whether weights that are not finite are let through.
  package var allowNonfinite = false

  /// Creates the default settings for a model.
  package init(model: String, threads: Int) {
    self.model = model
    self.threads = threads
  }

  /// The same settings with the number of steps that epochs come to, and finetuning's own batch.
  ///
  /// - Throws: `PipelineError.invalidOption` for more steps than a run can have.
  func resolved(distillationRows: Int, rows: Int) throws(PipelineError) -> ConversionOptions {
    func checked(_ steps: Double) throws(PipelineError) -> Int {
      guard steps <= 10_000_000 else {
        throw .invalidOption(
          name: "epochs", problem: "expected at most 10,000,000 steps, found \(steps)")
      }
      return Int(steps)
    }
    var options = self
    options.finetuning.batchSize = finetuning.batchSize ?? distillation.batchSize
    options.distillation.steps = try checked(
      distillation.stepCount(rowCount: distillationRows))
    options.finetuning.steps = try checked(
      finetuning.stepCount(rowCount: rows, batchSize: distillation.batchSize))
    return options
  }

  /// Whether the weights are only rewritten, and read once for everything that depends on them. A
  /// model may change while it is trained, and before a run goes on: there it is digested first.
  var isOnePass: Bool { rewrites && !stages.contains(.distil) && run == nil }

  /// Whether something has the output's name.
  package var hasOutput: Bool { isPresent(outputPath) }

  /// Where the artifact goes.
  package var outputPath: String {
    if let output { return output }
    return modelName(ofPath: model) + artifactSuffix
  }

  /// Refuses outputs that would replace the file of the recipe that the settings were read from.
  ///
  /// - Throws: `FormatError.cannotCreate`.
  package func spare(recipe: String) throws {
    // A shipped recipe has a name but no file.
    guard isPresent(recipe) else { return }
    for output in [outputPath, adapter].compactMap(\.self) {
      try protect([recipe], from: output)
    }
  }

  /// Of finetuning's `rowCount` rows those, from the first on, that distillation passes through the
  /// teacher as finetuning would: as many neighbours at a time, in the same precision. `distilled`
  /// rows are distilled.
  func sharedRowCount(distilled: Int, of rowCount: Int) -> Int {
    let batchSize = distillation.batchSize
    guard finetuning.isOn, (finetuning.batchSize ?? batchSize) == batchSize,
      finetuning.precision == distillation.precision
    else { return 0 }
    return distilled == rowCount ? rowCount : distilled / batchSize * batchSize
  }
}

extension ConversionOptions {
  /// Refuses a new model whose weights this machine's memory cannot train, before anything is made.
  ///
  /// - Throws: `PipelineError.invalidOption` for one, `FormatError` for sizes that make no model.
  package func checkNewModel() throws {
    guard case .sizes(let model)? = start, let count = try model.parameterCount() else { return }
    // Values, gradients, two moments and the last good values.
    let copies = finetuning.choice.weights ? 5.0 : 1
    try requireMemory(4 * copies * count, of: "key 'model'")
  }
}
