// Attention as a node: its projections, its positions and the mechanism that weighs the values.

/// A multi-head attention sublayer.
package struct Attention: Sendable, Equatable {
  /// How x becomes queries, keys and values.
  package enum Projection: Sendable, Equatable {
    /// One matrix gives q, k and v side by side (GPT-2).
    case fused(Linear)
    case separate(query: Linear, key: Linear, value: Linear)
  }

  /// How values are weighed.
  package enum Mechanism: Sendable, Equatable {
    /// softmax_j(scale × q·k).
    case softmax
    /// φ_q(q)·φ_k(k) / Σ_j φ_q(q)·φ_k(k).
    case hedgehog(FeatureMap)
  }

  package let headCount: Int
  package let keyValueHeadCount: Int
  package let headSize: Int
  package let isCausal: Bool
  /// Factor on q·k in the softmax; normally 1/√headSize.
  package let scale: Float
  /// Rotary positions, where the model has them.
  package let rotary: Rotary?
  package let projection: Projection
  package let output: Linear
  package var mechanism: Mechanism
}

/// The Hedgehog feature map of one layer: φ(x) = [softmax(x W + b), softmax(−(x W + b))], two
/// separate softmaxes, one W [head size, feature size] and b [feature size] per head.
///
/// q has a map per query head, k one per key/value head. With rotary positions φ sits after them.
package struct FeatureMap: Sendable, Equatable {
  /// Features before negation; φ has twice as many.
  package let featureSize: Int
  /// Roles of the parameters: [heads, head size, feature size] and [heads, feature size].
  package let queryWeight: String
  package let queryBias: String
  package let keyWeight: String
  package let keyBias: String

  /// The map of one block, its parameters named by the block's number.
  package init(layer: Int, featureSize: Int) {
    self.featureSize = featureSize
    let stem = "layers.\(layer).attention.feature_map"
    queryWeight = "\(stem).query.weight"
    queryBias = "\(stem).query.bias"
    keyWeight = "\(stem).key.weight"
    keyBias = "\(stem).key.bias"
  }
}

/// Rotary position embedding: dimensions i and i + headSize/2 turn by position × frequency_i.
package struct Rotary: Sendable, Equatable {
  /// Frequencies in radians per position, [head size / 2], scaling applied.
  package let frequencies: [Double]
}
