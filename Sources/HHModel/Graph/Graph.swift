// A Transformer as a short list of typed nodes.

package import HHCompute
package import HHFormat

/// A model: nodes in the order in which they run. Weights are named by role, not held.
package struct Graph: Sendable, Equatable {
  /// The architecture's name in its schema.
  package let architecture: String
  /// What the model consumes and how it attends.
  package let kind: ArchitectureSchema.Kind
  /// Width of the hidden states.
  package let hiddenSize: Int
  /// Number of blocks.
  package let layerCount: Int
  /// Longest sequence the positions allow; for images the number of patches plus one.
  package let maximumLength: Int
  /// Number of token ids; 0 for images.
  package let vocabularySize: Int
  /// Number of token types; 0 where the model does not tell types apart.
  package let tokenTypeCount: Int
  /// The nodes in order.
  package var nodes: [Node]

  /// The nodes of one block.
  package func nodes(ofLayer layer: Int) -> [Node] { nodes.filter { $0.layer == layer } }
  /// The nodes before the first block.
  package var embeddingNodes: [Node] { Array(nodes.prefix { $0.layer == nil }) }
  /// The nodes after the last block.
  package var outputNodes: [Node] {
    Array(nodes[((nodes.lastIndex { $0.layer != nil } ?? -1) + 1)...])
  }
  /// Whether the model predicts the next token.
  package var hasLanguageModelHead: Bool {
    outputNodes.contains { node in
      if case .head(.languageModel) = node.operation { true } else { false }
    }
  }
  /// Number of classes, where the model has a classifier.
  package var classCount: Int? {
    outputNodes.lazy.compactMap { node in
      switch node.operation {
      case .head(.classifier(let linear, _)), .head(.lastTokenClassifier(let linear, _)):
        linear.outputs
      default: nil
      }
    }.first
  }
  /// The attention of each block, in order.
  package var attentions: [Attention] { nodes.compactMap(\.operation.attention) }
}

/// One step of a graph.
package struct Node: Sendable, Equatable {
  /// The block the node belongs to; nil before the first and after the last.
  package let layer: Int?
  /// What it does.
  package var operation: Operation
}

/// What a node does with the current hidden states x, [rows × length, hidden size].
package enum Operation: Sendable, Equatable {
  /// x = the embeddings of token ids.
  case tokenEmbedding(TokenEmbedding)
  /// x = the embeddings of image patches behind a class token.
  case patchEmbedding(PatchEmbedding)
  /// x = norm(x).
  case norm(Norm)
  /// Remembers x for the next `addResidual`.
  case saveResidual
  /// x = x + the remembered x.
  case addResidual
  /// x = attention(x).
  case attention(Attention)
  /// x = mlp(x).
  case mlp(MLP)
  /// Computes an output from x.
  case head(Head)

  /// The attention, where the operation is one.
  package var attention: Attention? {
    if case .attention(let attention) = self { attention } else { nil }
  }
}

/// A linear map y = x Wᵀ + b.
package struct Linear: Sendable, Equatable {
  /// Role of the weight.
  package let weight: String
  /// Role of the bias, where there is one.
  package let bias: String?
  /// Extents of x and y.
  package let inputs: Int
  package let outputs: Int
  /// True where W is stored [inputs, outputs] (transformers' Conv1D), so that y = x W + b.
  package let isInputMajor: Bool
}

/// Layer norm or root-mean-square norm over the last extent.
package struct Norm: Sendable, Equatable {
  package let weight: String
  /// Role of the bias; nil selects the root-mean-square norm.
  package let bias: String?
  package let epsilon: Float
}

/// Token, position and token-type embeddings, summed.
package struct TokenEmbedding: Sendable, Equatable {
  package let token: String
  package let position: String?
  package let tokenType: String?

  /// Creates it from its members, which are roles.
  package init(token: String, position: String?, tokenType: String?) {
    self.token = token
    self.position = position
    self.tokenType = tokenType
  }
}

/// Patches of an image, each projected, after a class token; embeddings of positions are added.
package struct PatchEmbedding: Sendable, Equatable {
  package let projection: Linear
  package let classToken: String
  package let position: String
  package let imageSize: Int
  package let patchSize: Int
  package let channelCount: Int
}

/// A feed-forward sublayer: down(activation(up x)), or down(activation(gate x) × up x).
package struct MLP: Sendable, Equatable {
  package let gate: Linear?
  package let up: Linear
  package let down: Linear
  package let activation: Activation
}

extension Activation {
  /// The activation a configuration means, or nil for an unknown word.
  package init?(configuration word: String) {
    switch word {
    case "gelu": self = .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": self = .geluTanh
    case "relu": self = .relu
    case "silu", "swish": self = .silu
    case "tanh": self = .tanh
    default: return nil
    }
  }
}

/// What a model gives besides its hidden states.
package enum Head: Sendable, Equatable {
  /// tanh(linear(first row of each sequence)).
  case pooler(Linear)
  /// One logit per label, from the pooled row or, where `usesPooled` is false, the first row.
  case classifier(Linear, usesPooled: Bool)
  /// One logit per label, from each sequence's last token that is not the padding token.
  case lastTokenClassifier(Linear, padding: Int32?)
  /// One logit per vocabulary entry and position.
  case languageModel(Linear)
  /// BERT's masked-token head: decoder(norm(activation(transform x))).
  case maskedLanguageModel(
    transform: Linear, activation: Activation, norm: Norm, decoder: Linear)
}
