// What a conversion's result depends on, as one digest.

internal import HHData
internal import HHFormat
internal import HHModel
internal import HHTraining

/// Two conversions with the same key give the same model, so an artifact that carries the key need
/// not be made again.
///
/// The key is the SHA-256 of a JSON text with the program's version, the digests of the source
/// files and of the files beside them (the tokenizer shapes the training data), and every setting as
/// it was asked for, with data files and the labels beside them by their digests. What only
/// changes how the work is done (threads, names of outputs) is no part of it.
struct ConversionKey {
  /// The key of the converted model's recipe in a manifest.
  static let member = "key"

  private let sidecars: JSONValue
  private let settings: JSONValue

  /// The key of a conversion with some settings, and of the files beside a model.
  init(sidecars: SidecarFiles, options: ConversionOptions) throws(FormatError) {
    self.sidecars = .array(
      sidecars.files.map { .string("\($0.name) \(ContentDigest.of($0.content))") })
    settings = .object(try options.record())
  }

  /// What a run must find again when it goes on: the key without the learning rates, which may
  /// change on the way, and without the version, since a run may outlive one.
  static func ofRun(
    _ options: ConversionOptions, sidecars: SidecarFiles, sources: [Provenance.Source]
  ) throws(FormatError) -> String {
    var options = options
    options.earlierRates = EarlierRates()
    options.distillation.learningRate = nil
    options.finetuning.learningRate = TrainingSettings(.finetune).learningRate
    let key = try ConversionKey(sidecars: sidecars, options: options)
    return key.text(for: sources, version: nil)
  }

  /// The digest in hexadecimal, for files with the given digests.
  func text(
    for sources: [Provenance.Source], version: String? = Producer.version
  ) -> String {
    let content: JSONObject = [
      "version": version.map { .string($0) } ?? .null,
      "sources": .array(sources.map { .string("\($0.sha256) \($0.bytes)") }),
      "companions": sidecars,
      "settings": settings,
    ]
    return ContentDigest.of(Array(JSONValue.object(content).text.utf8))
  }

  /// The files that a conversion of a checkpoint depends on, with their digests.
  static func sources(of checkpoint: Checkpoint) throws(FormatError) -> [Provenance.Source] {
    var sources: [Provenance.Source] = []
    for file in checkpoint.digestedFiles {
      let digest = try ContentDigest.ofFile(at: file)
      sources.append(
        Provenance.Source(
          name: lastComponent(of: file), bytes: digest.bytes, sha256: digest.sha256))
    }
    return sources
  }
}

extension ConversionOptions {
  /// Every setting that shapes a result, as it was asked for; data by its digest.
  func record() throws(FormatError) -> JSONObject {
    func digest(_ path: String?) throws(FormatError) -> JSONValue {
      guard let path else { return .null }
      return .string(try ContentDigest.ofFile(at: path).sha256)
    }
    // Nil where there are none, so that such conversions keep the keys that they had.
    func labels(_ path: String?) throws(FormatError) -> JSONValue? {
      guard let path, let file = DataSource.labelsFile(of: path) else { return nil }
      return try digest(file)
    }
    var settings: JSONObject = [
      "stages": .array(stages.map { .string($0.rawValue) }),
      "rewrite": rewrites ? .object(attention.members) : .null,
      "data": try digest(data),
      "held_out": try digest(heldOut),
      "length": JSONValue(length),
      "seed": seed.json, "delta": .bool(delta),
    ]
    settings["columns"] = columns.map(\.json)
    settings["labels"] = try labels(data)
    settings["held_out_labels"] = try labels(heldOut)
    if stages.contains(.distil) {
      for (key, value) in TrainingPlan(distillation).record.pairs { settings[key] = value }
    }
    // Left out where there is none, as in every conversion that was never given another rate.
    settings["earlier_rates"] = earlierRates.json
    if finetuning.isEnabled { settings["finetune"] = .object(TrainingPlan(finetuning).record) }
    if !evaluations.isEmpty {
      var list: [JSONValue] = []
      for evaluation in evaluations {
        var object: JSONObject = [
          "task": .string(evaluation.settings.task.rawValue), "after": .string(evaluation.after),
          "data": try digest(evaluation.settings.data),
          "rows": JSONValue(evaluation.settings.rowLimit),
        ]
        object["length"] = evaluation.settings.length.map { JSONValue.integer($0) }
        object["labels"] = try labels(evaluation.settings.data)
        list.append(.object(object))
      }
      settings["evaluate"] = .array(list)
    }
    return settings
  }
}
