// The stages of a recipe from a value that its schema has checked and completed.

internal import HHCompute
package import HHFormat

/// Typed access to the members of a value whose types the schema vouches for.
private struct Members {
  let value: JSONValue

  subscript(key: String) -> Members { Members(value: value[key] ?? .null) }
  var isNull: Bool { value == .null }
  func integer(_ key: String) -> Int? { value[key]?.integer }
  func number(_ key: String) -> Double? { value[key]?.double }
  func bool(_ key: String) -> Bool { value[key]?.bool ?? false }
  func string(_ key: String) -> String? { value[key]?.string }
  /// The case of a word; the schema and the types list the same ones.
  func choice<T: RawRepresentable<String> & CaseIterable>(_ key: String, or fallback: T) -> T {
    string(key).flatMap { T(rawValue: $0) } ?? fallback
  }
}

extension RecipeStage {
  /// Reads a completed stage.
  package init(_ value: JSONValue) {
    let members = Members(value: value)
    switch members.string("stage") {
    case "distil": self = .distil(TrainingSettings(members), DistillationSettings(members))
    case "finetune": self = .finetune(TrainingSettings(members), FinetuningSettings(members))
    case "train":
      self = .train(
        TrainingSettings(members), accumulation: members.integer("accumulation") ?? 1,
        classes: members.integer("classes"))
    case "evaluate": self = .evaluate(EvaluationSettings(members))
    default: self = .rewrite(RewriteSettings(members))
    }
  }
}

extension FreshModel {
  /// Reads a completed mapping of sizes; nil for a path or nothing.
  package init?(_ value: JSONValue) {
    let members = Members(value: value)
    guard value.object != nil, let architecture = members.string("architecture") else { return nil }
    self.init(architecture: architecture)
    layers = members.integer("layers") ?? layers
    hidden = members.integer("hidden") ?? hidden
    heads = members.integer("heads") ?? heads
    keyValueHeads = members.integer("key_value_heads")
    inner = members.integer("inner")
    vocabulary = members.integer("vocabulary")
    positions = members.integer("positions") ?? positions
    classes = members.integer("classes")
    image = members.integer("image") ?? image
    patch = members.integer("patch") ?? patch
    channels = members.integer("channels") ?? channels
    files = members.string("files")
  }

  /// The mapping that says the same, the files' folder as `files`.
  package func json(files: JSONValue) -> JSONValue {
    func number(_ value: Int?) -> JSONValue { JSONValue(value) }
    return .object([
      "architecture": .string(architecture), "layers": number(layers), "hidden": number(hidden),
      "heads": number(heads), "key_value_heads": number(keyValueHeads), "inner": number(inner),
      "vocabulary": number(vocabulary), "positions": number(positions),
      "classes": number(classes), "image": number(image), "patch": number(patch),
      "channels": number(channels), "files": files,
    ])
  }
}

extension RewriteSettings {
  fileprivate init(_ members: Members) {
    let map = members["feature_map"]
    self.init(
      kind: map.choice("kind", or: .splitSoftmax), dimension: map.integer("dimension"),
      bias: map.bool("bias"), sharing: map.choice("sharing", or: .keyValueHead),
      constant: map.number("constant"),
      window: members.integer("window"),
      keptLayers: members["keep_softmax"].value.array?.compactMap(\.integer) ?? [])
  }
}

extension TrainingSettings {
  fileprivate init(_ members: Members) {
    let (plateau, earlyStop) = (members["plateau"], members["early_stop"])
    self.init(
      steps: members.integer("steps"), epochs: members.number("epochs"),
      batchSize: members.integer("batch") ?? 1, learningRate: members.number("learning_rate"),
      schedule: members.choice("schedule", or: .linear),
      plateau: plateau.isNull
        ? nil
        : Plateau(
          factor: plateau.number("factor") ?? 1, patience: plateau.integer("patience") ?? 0,
          minimum: plateau.number("minimum") ?? 0, interval: plateau.integer("interval") ?? 1),
      earlyStop: earlyStop.isNull
        ? nil
        : EarlyStop(
          patience: earlyStop.integer("patience") ?? 1,
          interval: earlyStop.integer("interval") ?? 1),
      warmUpSteps: members.integer("warm_up") ?? 0, clip: members.number("clip"),
      weightDecay: members.number("weight_decay") ?? 0,
      precision: members.choice("precision", or: .float32))
  }
}

extension DistillationSettings {
  fileprivate init(_ members: Members) {
    self.init(
      rowLimit: members.integer("rows"), budget: members.number("budget"),
      weightsFactor: members["loss"].number("attention_weights") ?? 0,
      outputsFactor: members["loss"].number("attention_outputs") ?? 0)
  }
}

extension FinetuningSettings {
  fileprivate init(_ members: Members) {
    let lora = members["lora"]
    self.init(
      accumulation: members.integer("accumulation") ?? 1,
      loss: members.string("loss").flatMap { Loss(rawValue: $0) },
      lora: lora.isNull
        ? nil
        : LoRA(
          rank: lora.integer("rank") ?? 1, alpha: lora.number("alpha") ?? 1,
          dropout: lora.number("dropout") ?? 0,
          targets: lora["targets"].value.array?.compactMap(\.string) ?? []))
  }
}

extension EvaluationSettings {
  fileprivate init(_ members: Members) {
    self.init(
      task: members.choice("task", or: .lm), data: members.string("data"),
      rowLimit: members.integer("rows"), length: members.integer("length"))
  }
}
