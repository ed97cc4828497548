// Everything a user can choose about a conversion.

internal import HHAnalysis
internal import HHData
internal import HHFormat
package import HHModel
package import HHTraining

/// The settings of one conversion; only the model is required.
package struct ConversionOptions: SettingGroup {
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
  package var initialWeights: InitialWeights?
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
  /// A tokenizer to use, and carry along, instead of the model's own: a folder, or one of its
  /// files.
  package var tokenizer: String?
  /// What to do; without `distil` no data is needed and no model is run.
  package var stages = ConversionStage.standard
  /// What softmax attention becomes.
  package var attention = LinearAttentionSettings()
  /// Text, token ids or images to distil on; nil means the model's own samples, or synthetic ones.
  package var data: String?
  /// Data to measure on; nil holds back some rows of the training data.
  package var heldOut: String?
  /// The columns that hold the texts of `data` and `heldOut`, one or a pair; nil means the names
  /// that GLUE has.
  package var columns: [String]?
  /// Tokens per row; nil means 256, or as many as the model's positions allow.
  package var length: Int?
  /// Seed of everything random.
  package var seed: UInt64 = 0
  /// How the feature maps are trained.
  package var distillation = TrainingSettings(.distil)
  /// How the whole model is trained afterwards, or without a teacher; by default it is not.
  package var finetuning: TrainingSettings
  /// What is measured, and when.
  package var evaluations: [Evaluation] = []
  /// A new folder from which the conversion can be resumed; nil keeps none.
  package var run: String?
  /// Learning rates at which a resumed run was trained before.
  var earlierRates = EarlierRates()
  /// Where the caller writes a report at the end; it is checked with the other outputs.
  package var report: String?
  /// A folder to which the caller writes losses for TensorBoard; it is checked likewise.
  package var tensorBoard: String?
  /// Steps of training between two checkpoints of a run.
  package var checkpointSteps = 100
  /// Bytes of memory that training may take, mapped weights not counted; nil is three quarters of
  /// the machine's. Where that is too little, hidden states lie on disk beside the output.
  package var maximumMemory: Int?
  /// Threads to use.
  package var threads: Int
  /// Whether the artifact is a delta: without the tensors and files that it shares with the model.
  package var delta = false
  /// Whether an existing output may be replaced.
  package var force = false
  /// Whether weights that are not finite are converted all the same.
  package var allowNonfinite = false

  /// Creates the default settings for a model.
  package init(model: String = "", threads: Int = 1) {
    self.model = model
    self.threads = threads
    finetuning = TrainingSettings(.finetune)
    finetuning.steps = 0
  }

  /// Whether the weights are only rewritten, and read once for everything that depends on them. A
  /// model may change while it is trained, and before a run goes on: there it is digested first.
  var isOnePass: Bool { rewrites && !stages.contains(.distil) && run == nil }

  /// Whether a teacher is distilled.
  var distils: Bool { initialWeights == nil && stages.contains(.distil) }

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
  package func rejectOverwriting(recipe: String) throws {
    // A shipped recipe has a name but no file.
    guard isPresent(recipe) else { return }
    for output in [outputPath, adapter].compactMap(\.self) {
      try protect([recipe], from: output)
    }
  }

  /// How many of finetuning's `rowCount` rows, from the first on, distillation runs through the
  /// teacher just as finetuning would: as many neighbours at a time, in the same precision.
  /// `distilled` rows are distilled.
  func sharedRowCount(distilled: Int, of rowCount: Int) -> Int {
    let batchSize = distillation.batchSize
    guard finetuning.isEnabled, finetuning.batchSize == batchSize,
      finetuning.precision == distillation.precision
    else { return 0 }
    return distilled == rowCount ? rowCount : distilled / batchSize * batchSize
  }
}

extension ConversionOptions {
  /// Refuses a new model whose weights this machine's memory cannot train, before anything is made.
  ///
  /// - Throws: `PipelineError.tooLarge` for one, `FormatError` for sizes that make no model.
  package func checkNewModel() throws {
    guard case .sizes(let model)? = initialWeights, let count = try model.parameterCount() else {
      return
    }
    // Values, gradients, two moments and the last good values.
    let copies = finetuning.trained.weights ? 5.0 : 1
    try requireMemory(4 * copies * count, of: SettingKey(key: "model"))
  }
}

extension ConversionOptions {
  package var settings: [Setting<Self>] {
    let files: [Setting<Self>] = [
      Setting(
        "config", \.configuration, option: "config", value: "file", isPath: true,
        help: "A configuration to use instead of the config.json beside the checkpoint",
        otherwise: "its own"),
      Setting(
        "tokenizer", \.tokenizer, option: "tokenizer", value: "path", isPath: true,
        help: "A tokenizer to use instead of the model's own: tokenizer.json or the like, or its"
          + " folder", otherwise: "its own"),
      Setting(
        "output", \.output, option: "output", value: "file", isPath: true,
        help: "The artifact to write",
        otherwise: "the model's name in the working folder"),
      Setting(
        "adapter", \.adapter, option: "adapter", value: "folder", isPath: true,
        help: "A new folder for the trained adapters (LoRA) as PEFT keeps them", otherwise: "none"),
      Setting(
        "delta", \.delta, option: "delta",
        help: "Leave unchanged tensors, and the files beside the model, to the model: the artifact"
          + " is small, and is used together with the model"),
      Setting(
        "data", \.data, option: "data", value: "file", isPath: true,
        help: "Rows to train on: text, token ids (.npy, .bin) or images (IDX, .npy)",
        otherwise: "a decoder's own samples, random tokens for an encoder, synthetic images for an"
          + " image model"),
      Setting(
        "held_out", \.heldOut, option: "held-out", value: "file", isPath: true,
        help: "Rows to measure on, of the same kind", otherwise: "some rows of the data"),
      Setting(
        "columns", \.columns, option: "column", value: "names", limits: ["minItems": 1],
        help: "The column of tables or the key of JSON lines that holds the text, or both of a"
          + " pair: NAME or NAME,NAME", otherwise: "the names that GLUE has, or text"),
      Setting(
        "length", \.length, option: "length", value: "tokens", limits: .range(2...1_048_576),
        help: "Tokens per row", otherwise: "256, or the model's positions"),
    ]
    let work: [Setting<Self>] = [
      Setting(
        "seed", \.seed, option: "seed", limits: ["minimum": 0],
        help: "Seed of everything random"),
      Setting(
        "threads", \.threads, option: "threads", limits: .range(1...1024), default: .null,
        help: "Threads to use", otherwise: "one per processor"),
      Setting(
        "max_memory", \.maximumMemory, option: "max-memory", value: "bytes", limits: ["minimum": 1],
        help: "Bytes of memory that training may take (on a command line also 500MB or 4GB), mapped"
          + " weights not counted; hidden states lie on disk beside the output if need be",
        otherwise: "three quarters of the machine's"),
      Setting(
        "allow_nonfinite", \.allowNonfinite, option: "allow-nonfinite",
        help: "Convert weights even if some are not finite"),
      Setting(
        "run", \.run, option: "run", value: "folder", isPath: true,
        help: "A new folder to keep the settings, every event and checkpoints in, so that 'resume'"
          + " can go on with a conversion that was stopped",
        otherwise: "none"),
      Setting(
        "checkpoint_steps", \.checkpointSteps, option: "checkpoint-steps", value: "steps",
        limits: .range(1...10_000_000),
        help: "Steps of training between two checkpoints of a run"),
    ]
    return files + work
  }
}
