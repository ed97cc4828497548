// The parameters that a graph names, and which of them an objective reaches.

extension Graph {
  /// Every linear map, in order.
  package var linears: [Linear] { nodes.flatMap(\.operation.linears) }

  /// The attention of a block.
  func attention(ofLayer layer: Int) -> Attention? {
    for node in nodes where node.layer == layer {
      if case .attention(let attention) = node.operation { return attention }
    }
    return nil
  }

  /// Roles of the parameters whose gradients an objective gives, each once, in order.
  func roles(reaching objective: ObjectiveKind) -> [String] {
    var seen: Set<String> = []
    let used = nodes.filter { node in
      guard case .head(let head) = node.operation else { return true }
      return objective.uses(head, in: self)
    }
    return used.flatMap(\.operation.roles).filter { seen.insert($0).inserted }
  }
}

extension Operation {
  fileprivate var linears: [Linear] {
    switch self {
    case .tokenEmbedding, .norm, .saveResidual, .addResidual: []
    case .patchEmbedding(let embedding): [embedding.projection]
    case .attention(let attention): attention.projection.linears + [attention.output]
    case .mlp(let mlp): [mlp.gate, mlp.up, mlp.down].compactMap(\.self)
    case .head(.pooler(let linear)), .head(.classifier(let linear, _)): [linear]
    case .head(.languageModel(let linear)): [linear]
    case .head(.maskedLanguageModel(let transform, _, _, let decoder)): [transform, decoder]
    }
  }

  fileprivate var roles: [String] {
    let own: [String?] =
      switch self {
      case .tokenEmbedding(let embedding):
        [embedding.token, embedding.position, embedding.tokenType]
      case .patchEmbedding(let embedding): [embedding.classToken, embedding.position]
      case .norm(let norm), .head(.maskedLanguageModel(_, _, let norm, _)):
        [norm.weight, norm.bias]
      default: []
      }
    return own.compactMap(\.self)
      + linears.flatMap { [$0.weight, $0.bias].compactMap(\.self) }
  }
}

extension Attention.Projection {
  /// The linear maps, queries first.
  var linears: [Linear] {
    switch self {
    case .fused(let linear): [linear]
    case .separate(let query, let key, let value): [query, key, value]
    }
  }
}
