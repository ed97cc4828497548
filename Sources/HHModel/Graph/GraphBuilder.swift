// From a checkpoint's names and numbers to the graph of its model.

internal import HHCompute
package import HHFormat

extension Graph {
  /// Builds the softmax model that a checkpoint describes.
  package init(_ names: NameMap) throws(FormatError) {
    let builder = try GraphBuilder(names: names)
    let sizes = names.hyperparameters
    architecture = names.schema.architecture
    kind = names.schema.kind
    hiddenSize = sizes.integer("hiddenSize")
    layerCount = sizes.integer("layerCount")
    vocabularySize = sizes.integer("vocabularySize")
    tokenTypeCount =
      names.holds("embedding.tokenType.weight") ? sizes.integer("tokenTypeCount") : 0
    let nodes = try builder.nodes()
    let limits = nodes.compactMap { $0.operation.attention?.rotary?.lengthLimit }
    maximumLength =
      kind == .image
      ? sizes.integer("positionCount")
      : limits.reduce(sizes.integer("maximumPositions"), min)
    self.nodes = nodes
  }
}

private struct GraphBuilder {
  let names: NameMap
  let sizes: Hyperparameters
  let activation: Activation
  var block: ArchitectureSchema.Block { names.schema.block }

  init(names: NameMap) throws(FormatError) {
    self.names = names
    sizes = names.hyperparameters
    let word = sizes.string("activation")
    guard let activation = Activation(configuration: word) else {
      throw FormatError(
        .unsupported, file: sizes.file, place: "key '\(sizes.key("activation"))'",
        problem: "expected gelu, gelu_new, relu, silu or tanh, found '\(word)'")
    }
    guard names.schema.block.mlp != "gated" || activation == .silu else {
      throw FormatError(
        .unsupported, file: sizes.file, place: "key '\(sizes.key("activation"))'",
        problem: "expected silu in a gated feed-forward block, found '\(word)'")
    }
    self.activation = activation
  }

  func nodes() throws(FormatError) -> [Node] {
    var nodes = [Node(layer: nil, operation: embedding())]
    if block.embeddingNorm {
      nodes.append(Node(layer: nil, operation: .norm(norm("embedding.norm"))))
    }
    for layer in 0..<sizes.integer("layerCount") {
      let sublayers: [(Operation, norm: String)] = [
        (.attention(try attention(layer)), "layers.\(layer).attentionNorm"),
        (.mlp(mlp(layer)), "layers.\(layer).mlpNorm"),
      ]
      for (sublayer, norm) in sublayers {
        let norm = Operation.norm(self.norm(norm))
        let order: [Operation] =
          block.normPlacement == "before"
          ? [.saveResidual, norm, sublayer, .addResidual]
          : [.saveResidual, sublayer, .addResidual, norm]
        nodes += order.map { Node(layer: layer, operation: $0) }
      }
    }
    if block.finalNorm { nodes.append(Node(layer: nil, operation: .norm(norm("finalNorm")))) }
    return nodes + heads().map { Node(layer: nil, operation: .head($0)) }
  }

  private func embedding() -> Operation {
    if names.schema.kind != .image {
      return .tokenEmbedding(
        TokenEmbedding(
          token: "embedding.token.weight",
          position: block.positions == "learned" ? "embedding.position.weight" : nil,
          tokenType: names.holds("embedding.tokenType.weight")
            ? "embedding.tokenType.weight" : nil))
    }
    let (patch, channels) = (sizes.integer("patchSize"), sizes.integer("channelCount"))
    return .patchEmbedding(
      PatchEmbedding(
        projection: linear("embedding.patch", channels * patch * patch, hidden),
        classToken: "embedding.class", position: "embedding.position.weight",
        imageSize: sizes.integer("imageSize"), patchSize: patch, channelCount: channels))
  }

  private var hidden: Int { sizes.integer("hiddenSize") }

  private func linear(_ stem: String, _ inputs: Int, _ outputs: Int) -> Linear {
    let bias = "\(stem).bias"
    return Linear(
      weight: "\(stem).weight", bias: names[bias] == nil ? nil : bias, inputs: inputs,
      outputs: outputs, isInputMajor: names["\(stem).weight"]?.isInputMajor ?? false)
  }

  private func norm(_ stem: String) -> Norm {
    Norm(
      weight: "\(stem).weight", bias: block.norm == "rms" ? nil : "\(stem).bias",
      epsilon: Float(sizes.number("normEpsilon")))
  }

  private func attention(_ layer: Int) throws(FormatError) -> Attention {
    let stem = "layers.\(layer).attention"
    let headSize = sizes.integer("headSize")
    let (queryWidth, keyWidth) = (sizes.integer("queryWidth"), sizes.integer("keyValueWidth"))
    var scale = 1 / Float(headSize).squareRoot()
    if sizes.value("scaleScores") == .bool(false) { scale = 1 }
    if sizes.bool("scaleByLayer") { scale /= Float(layer + 1) }
    var rotary: Rotary?
    if block.positions == "rotary" {
      guard headSize.isMultiple(of: 2) else {
        throw FormatError(
          .badData, file: sizes.file, place: "key '\(sizes.key("headSize"))'",
          problem: "expected an even head size for rotary positions, found \(headSize)")
      }
      rotary = try Rotary(
        headSize: headSize, base: sizes.number("ropeBase"), scaling: sizes.value("ropeScaling"),
        file: sizes.file)
    }
    return Attention(
      headCount: sizes.integer("headCount"),
      keyValueHeadCount: sizes.integer("keyValueHeadCount"), headSize: headSize,
      isCausal: names.schema.kind == .decoder, scale: scale, rotary: rotary,
      projection: names.holds("\(stem).qkv.weight")
        ? .fused(linear("\(stem).qkv", hidden, queryWidth + 2 * keyWidth))
        : .separate(
          query: linear("\(stem).query", hidden, queryWidth),
          key: linear("\(stem).key", hidden, keyWidth),
          value: linear("\(stem).value", hidden, keyWidth)),
      output: linear("\(stem).output", queryWidth, hidden), mechanism: .softmax)
  }

  private func mlp(_ layer: Int) -> MLP {
    let stem = "layers.\(layer).mlp"
    let inner = sizes.integer("intermediateSize")
    return MLP(
      gate: block.mlp == "gated" ? linear("\(stem).gate", hidden, inner) : nil,
      up: linear("\(stem).up", hidden, inner), down: linear("\(stem).down", inner, hidden),
      activation: activation)
  }

  private func heads() -> [Head] {
    var heads: [Head] = []
    let hasPooler = names.holds("pooler.weight")
    if hasPooler { heads.append(.pooler(linear("pooler", hidden, hidden))) }
    if let head = names.head, head.isClassifier, names.schema.kind == .decoder {
      let padding = sizes.value("paddingToken")?.integer.flatMap { Int32(exactly: $0) }
      return [
        .lastTokenClassifier(
          linear("classifier", hidden, sizes.integer("labelCount")), padding: padding)
      ]
    }
    if let head = names.head, head.isClassifier {
      heads.append(
        .classifier(
          linear("classifier", hidden, sizes.integer("labelCount")),
          usesPooled: head.groups.contains("pooler") && hasPooler))
      return heads
    }
    let vocabulary = sizes.integer("vocabularySize")
    if names["head.weight"] != nil {
      heads.append(.languageModel(linear("head", hidden, vocabulary)))
    }
    if names.holds("masked.transform.weight") {
      heads.append(
        .maskedLanguageModel(
          transform: linear("masked.transform", hidden, hidden), activation: activation,
          norm: norm("masked.norm"),
          decoder: linear("masked.decoder", hidden, vocabulary)))
    }
    return heads
  }
}
