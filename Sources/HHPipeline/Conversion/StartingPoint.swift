// What a conversion begins with: a softmax model, or what an earlier conversion made of one.

internal import HHCompute
internal import HHFormat
internal import HHModel
internal import HHTraining

/// The model of a conversion before its first stage.
struct StartingPoint {
  /// The softmax model's tensors, sorted into roles.
  let names: NameMap
  /// The feature maps that an artifact holds, by layer; empty for a softmax model.
  let maps: [Int: FeatureMaps]
  /// What was done before.
  let stages: [ArtifactDescription.Stage]
  /// What attention was rewritten with; nil for a softmax model.
  let attention: LinearAttentionSettings?
  private let path: String

  /// Reads the maps of an artifact; of a softmax model only the names.
  ///
  /// - Throws: `FormatError` for what is no model, and for an artifact whose softmax model is no longer
  ///   to be had from it.
  init(_ checkpoint: Checkpoint) throws(FormatError) {
    path = checkpoint.path
    guard let manifest = checkpoint.artifact?.manifest else {
      (names, maps, stages, attention) = (try NameMap(checkpoint), [:], [], nil)
      return
    }
    if let trained = manifest.tensors.first(where: { $0.origin == .changed }) {
      throw FormatError(
        .unsupported, file: path, place: "tensor \(quoted(trained.name))",
        problem:
          "expected the weights of the softmax model, which is the teacher, found trained ones",
        hint: "go on from an artifact whose feature maps alone were trained")
    }
    let converted = try ConvertedModel(checkpoint)
    (names, maps) = (converted.names, try converted.maps())
    (stages, attention) = (manifest.description.stages, converted.settings)
  }

  /// The maps of a block to begin with.
  func maps(of block: RewritePlan.Block) -> FeatureMaps { maps[block.layer] ?? block.maps() }

  /// Whether a conversion trains feature maps against a teacher's attention: with none to take, steps
  /// of fresh maps still measure them.
  func distils(by options: ConversionOptions) -> Bool {
    options.distils && (attention == nil || options.distillation.isEnabled)
  }

  /// Gives settings the artifact's attention, where nothing else is asked for.
  ///
  /// - Throws: `PipelineError` for settings of other attention, and for those that leave nothing to do.
  func settle(_ options: inout ConversionOptions) throws(PipelineError) {
    guard let attention else { return }
    func refuse(_ key: SettingKey, _ problem: String) -> PipelineError {
      .invalidSetting(key, problem: problem)
    }
    guard options.initialWeights == nil, options.distils else {
      throw refuse(.stages, "expected stages that train an artifact further, found none")
    }
    guard !options.delta else {
      throw refuse(
        options.key(\.delta), "expected a softmax model to leave tensors to, found an artifact")
    }
    var asked = options.attention
    if asked.softmaxCount != nil, attention.softmaxLayers.isEmpty { asked.softmaxCount = nil }
    var standard = LinearAttentionSettings()
    var own = attention
    (standard.seed, own.seed) = (asked.seed, asked.seed)
    if asked != own, asked != standard {
      throw refuse(
        asked.difference(from: own) ?? own.key(\.kind),
        "expected what \(quoted(path)) was rewritten with, which cannot change, found another")
    }
    let count = options.attention.softmaxCount
    options.attention = own
    if let count { options.attention.keptSoftmax = .best(count) }
    guard options.distillation.isEnabled || options.finetuning.isEnabled || count != nil else {
      throw refuse(
        options.finetuning.key(\.steps), "expected some to train the artifact further, found none")
    }
  }
}
