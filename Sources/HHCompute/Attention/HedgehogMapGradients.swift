// Gradients of the Hedgehog feature maps of one layer.

/// Gradients in the shapes of the parameters of `HedgehogMaps`.
package struct HedgehogMapGradients: Sendable {
  /// dW of the queries (queryHeads, d, f).
  package let weightQ: FloatBuffer
  /// db of the queries (queryHeads, f).
  package let biasQ: FloatBuffer
  /// dW of the keys (keyHeads, d, f).
  package let weightK: FloatBuffer
  /// db of the keys (keyHeads, f).
  package let biasK: FloatBuffer

  /// Creates gradients of zero for `maps`.
  package init(like maps: HedgehogMaps) {
    weightQ = FloatBuffer(count: maps.weightQ.count)
    biasQ = FloatBuffer(count: maps.biasQ.count)
    weightK = FloatBuffer(count: maps.weightK.count)
    biasK = FloatBuffer(count: maps.biasK.count)
  }

  /// The gradients in the order of `HedgehogMaps.parameters`.
  package var parameters: [FloatBuffer] { [weightQ, biasQ, weightK, biasK] }
}
