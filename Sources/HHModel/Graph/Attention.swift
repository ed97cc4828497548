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
    /// φ_q(q)·φ_k(k) / Σ_j φ_q(q)·φ_k(k), near keys by their softmax weights where there is a window.
    case linear(LinearAttentionLayer)
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

  /// Whether there are no positions beyond the model's own.
  package var hasLastPosition: Bool { rotary.map { $0.lengthLimit != nil } ?? true }
}

/// Rotary position embedding: dimensions i and i + headSize/2 turn by position × frequency_i.
package struct Rotary: Sendable, Equatable {
  /// Frequencies in radians per position, [head size / 2], scaling applied.
  package let frequencies: [Double]
  /// Factor of cosines and sines, so of queries and keys; 1 but for scalings that say otherwise.
  package let scale: Float
  /// Positions for which the frequencies hold; nil for any number.
  package let lengthLimit: Int?

  /// Takes every member as it is.
  package init(frequencies: [Double], scale: Float = 1, lengthLimit: Int? = nil) {
    (self.frequencies, self.scale, self.lengthLimit) = (frequencies, scale, lengthLimit)
  }
}
