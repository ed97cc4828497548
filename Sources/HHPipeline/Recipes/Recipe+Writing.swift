// From the settings of a conversion back to a recipe, for runs that are to be resumed.

internal import HHFormat
internal import HHModel
internal import HHTraining

extension Recipe {
  /// The recipe of a conversion's settings, paths made absolute, so that it means the same in every
  /// folder: `options(model:threads:)` gives the settings back.
  init(_ options: ConversionOptions, file: String) throws(FormatError) {
    let folder = try resolvedPath(".")
    func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : join(folder, path) }
    var stages: [RecipeStage] = []
    func add(_ stage: RecipeStage) {
      stages.append(stage)
      for evaluation in options.evaluations where evaluation.after == stage.name {
        stages.append(.evaluate(evaluation.settings))
      }
    }
    if options.rewrites { add(.rewrite(options.attention)) }
    if options.initialWeights == nil, options.stages.contains(.distil) {
      add(.training(options.distillation))
    }
    if options.initialWeights != nil || options.finetuning.isEnabled {
      add(.training(options.finetuning))
    }
    let model: JSONValue =
      switch options.initialWeights {
      case .sizes(let sizes)?: .object(sizes.members(path: absolute))
      case .checkpoint(let path)?: .string(absolute(path))
      case nil: .string(absolute(options.model))
      }
    var written = options
    (written.output, written.run) = (options.outputPath, nil)
    var object: JSONObject = ["model": model]
    for (key, value) in written.members(path: absolute).pairs { object[key] = value }
    object["stages"] = .array(stages.map { $0.json(path: absolute) })
    try self.init(.object(object), file: file)
  }
}
