// From the settings of a conversion back to a recipe, for runs that are to be resumed.

internal import HHCompute
internal import HHFormat
internal import HHModel
internal import HHTraining

extension Recipe {
  /// The recipe of a conversion's settings, paths made absolute, so that it means the same in every
  /// folder: `options(model:threads:)` gives the settings back.
  init(_ options: ConversionOptions, file: String) throws(FormatError) {
    let folder = try resolvedPath(".")
    func absolute(_ path: String?) -> JSONValue {
      path.map { .string($0.hasPrefix("/") ? $0 : join(folder, $0)) } ?? .null
    }
    var stages: [JSONValue] = []
    func add(_ stage: String, _ members: JSONObject) {
      var object: JSONObject = ["stage": .string(stage)]
      for (key, value) in members.pairs { object[key] = value }
      stages.append(.object(object))
      for evaluation in options.evaluations where evaluation.after == stage {
        stages.append(
          .object([
            "stage": .string("evaluate"), "task": .string(evaluation.settings.task.rawValue),
            "data": absolute(evaluation.settings.data),
            "rows": JSONValue(evaluation.settings.rowLimit),
            "length": JSONValue(evaluation.settings.length),
          ]))
      }
    }
    if options.rewrites { add("rewrite", options.attention.json) }
    var model = absolute(options.model)
    if let start = options.start {
      var stage = options.finetuning.stage(batchSize: options.distillation.batchSize)
      (stage["loss"], stage["lora"]) = (nil, nil)
      switch start {
      case .sizes(let fresh): model = fresh.json(files: absolute(fresh.files))
      case .checkpoint(let path, let classes):
        model = absolute(path)
        stage["classes"] = JSONValue(classes)
      }
      add("train", stage)
    } else if options.stages.contains(.distil) {
      add("distil", options.distillation.stage)
    }
    if options.start == nil, options.finetuning.isOn {
      add("finetune", options.finetuning.stage(batchSize: options.distillation.batchSize))
    }
    try self.init(
      .object([
        "model": model, "config": absolute(options.configuration),
        "output": absolute(options.outputPath), "delta": .bool(options.delta),
        "adapter": absolute(options.adapter),
        "data": absolute(options.data), "held_out": absolute(options.heldOut),
        "length": JSONValue(options.length),
        "seed": .unsigned(options.distillation.seed), "threads": .integer(options.threads),
        "max_memory": JSONValue(options.maximumMemory),
        "allow_nonfinite": .bool(options.allowNonfinite),
        "checkpoint_steps": .integer(options.checkpointSteps),
        "stages": .array(stages),
      ]), file: file)
  }
}

extension DistillationRecipe {
  /// The members of a recipe's stage.
  fileprivate var stage: JSONObject {
    var object = json
    if epochs != nil { object["steps"] = .null }
    return object
  }
}

extension FinetuneRecipe {
  /// The members of a recipe's stage; `batchSize` is that of distillation.
  fileprivate func stage(batchSize: Int) -> JSONObject {
    var object = json
    object["batch"] = .integer(self.batchSize ?? batchSize)
    object["schedule"] = object["decay"]
    (object["decay"], object["temperature"]) = (nil, nil)
    if epochs != nil { object["steps"] = .null }
    return object
  }
}
