// What the stages in a manifest tell, and its facts in words.

internal import HHAnalysis
internal import HHFormat

/// The stages of an artifact's manifest, read back.
struct StageRecords {
  private(set) var layers: [LayerDivergence] = []
  private(set) var stages: [StageLosses] = []
  private(set) var evaluations: [EvaluationResult] = []

  /// Reads the stages; what has another form than this program gives it is passed over.
  init(_ description: ArtifactDescription) {
    var last = ""
    for stage in description.stages {
      if let result = EvaluationResult(stage, after: last) {
        evaluations.append(result)
        continue
      }
      last = stage.name
      let kl = (stage.losses["kl_before"]?.double, stage.losses["kl_after"]?.double)
      let loss = (stage.losses["loss_before"]?.double, stage.losses["loss_after"]?.double)
      if let before = kl.0 ?? loss.0, let after = kl.1 ?? loss.1 {
        stages.append(
          StageLosses(
            name: stage.name,
            loss: stage.qualities["objective"]?.string
              ?? (kl.1 == nil ? "" : StageLosses.divergence), before: before, after: after,
            softmax: stage.losses["teacher_loss"]?.double))
      }
      read(
        stage.qualities["kl_per_layer"]?.array ?? [], stage.qualities["kl_per_head"]?.array ?? [],
        softmax: Set(description.linearAttention?.softmaxLayers ?? []))
    }
  }

  /// The rewritten layers in their order, beside those that kept softmax.
  private mutating func read(_ means: [JSONValue], _ heads: [JSONValue], softmax: Set<Int>) {
    guard !means.isEmpty else { return }
    layers = []
    var layer = 0
    for (index, mean) in means.enumerated() {
      while softmax.contains(layer) { layer += 1 }
      let own = heads.indices.contains(index) ? heads[index].array ?? [] : []
      layers.append(
        LayerDivergence(
          layer: layer, before: nil, after: mean.double ?? .nan,
          heads: own.map { $0.double ?? .nan }))
      layer += 1
    }
  }
}

extension ArtifactManifest {
  /// What the model is; the artifact has `byteCount` bytes.
  func facts(byteCount: Int) -> [Fact] {
    let model = tensors.filter(\.origin.isModel)
    func count(_ shapes: [[Int]]) -> Int { shapes.reduce(0) { $0 + $1.reduce(1, *) } }
    let all = count(model.map(\.shape)) + count((base?.tensors ?? []).map(\.shape))
    let new = count(model.filter { $0.origin == .new }.map(\.shape))
    var facts = [
      Fact("architecture", description.architecture.name),
      Fact("parameters", "\(Format.count(all)), \(Format.count(new)) of them new"),
    ]
    if let map = description.linearAttention {
      let window = map.window.map { window in
        ", beside softmax of the \(Format.count(window)) nearest keys"
          + (map.sinks.map { " and the first \(Format.count($0))" } ?? "")
      }
      facts.append(
        Fact("feature map", "\(map.kind), \(map.featureDimension) features\(window ?? "")"))
      if !map.softmaxLayers.isEmpty {
        facts.append(
          Fact("softmax layers", map.softmaxLayers.map { "\($0)" }.joined(separator: ", ")))
      }
    }
    facts.append(
      Fact(
        "artifact",
        "\(Format.bytes(byteCount)), \(Format.bytes(tensors.reduce(0) { $0 + $1.byteCount }))"
          + " uncompressed" + (base == nil ? "" : ", a delta")))
    return facts
  }

  /// What the model was made from, and by what.
  var provenance: [Fact] {
    let from = description.provenance
    var facts = [
      Fact("program", "\(description.producer.name) \(description.producer.version)"),
      Fact("format", "\(version)"),
    ]
    facts += from.sources.map { source in
      Fact(source.name, "\(Format.bytes(source.bytes)), SHA-256 \(source.sha256)")
    }
    if let data = from.data {
      facts.append(
        Fact(
          "data",
          "\(data.kind), \(Format.count(data.tokens)) positions"
            + (data.sha256.map { ", SHA-256 \($0)" } ?? "")))
    }
    facts.append(Fact("seed", "\(from.seed)"))
    if let key = from.recipe[ConversionKey.member]?.string { facts.append(Fact("key", key)) }
    return facts
  }
}

extension JSONValue {
  /// Every member as a fact, inner ones under `outer.inner` and a recipe's stages under their names.
  var facts: [Fact] { facts(below: "") }

  private func facts(below path: String) -> [Fact] {
    func inner(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
    switch self {
    case .object(let members): return members.pairs.flatMap { $1.facts(below: inner($0)) }
    case .array(let items) where items.contains { $0["stage"]?.string != nil }:
      return items.flatMap { item in
        let own = item.facts(below: item["stage"]?.string ?? "")
        // The stage's own name says no more than where it stands.
        return own.count > 1 ? own.filter { !$0.name.hasSuffix(".stage") } : own
      }
    case .string(let text): return [Fact(path, text)]
    case .null: return []
    default: return [Fact(path, text)]
    }
  }
}
