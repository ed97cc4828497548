// The parameters that a graph names.

internal import HHCompute

extension Graph {
  /// Every linear map, in order.
  package var linears: [Linear] { nodes.flatMap(\.operation.linears) }

  /// The attention of a block.
  package func attention(ofLayer layer: Int) -> Attention? {
    for node in nodes where node.layer == layer {
      if case .attention(let attention) = node.operation { return attention }
    }
    return nil
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
    case .head(.languageModel(let linear)), .head(.lastTokenClassifier(let linear, _)): [linear]
    case .head(.maskedLanguageModel(let transform, _, _, let decoder)): [transform, decoder]
    }
  }

  /// Roles of the parameters, with repetitions.
  package var roles: [String] {
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
  package var linears: [Linear] {
    switch self {
    case .fused(let linear): [linear]
    case .separate(let query, let key, let value): [query, key, value]
    }
  }
}
