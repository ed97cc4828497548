// Parameters of the Hedgehog feature maps of one layer.

/// The feature maps φ(x) = [softmax(x W + b), softmax(−(x W + b))] of a layer's queries and keys:
/// two separate softmaxes, one map per head (Hedgehog, arXiv 2402.04347; the variant of LoLCATs).
package struct HedgehogMaps: Sendable {
  /// Number of query heads.
  package let queryHeads: Int
  /// Number of key maps: one per key/value head, or one per query head.
  package let keyHeads: Int
  /// Elements of a head, d.
  package let headSize: Int
  /// Columns of W, f; a map has 2 f features.
  package let projectionSize: Int
  /// W of the queries (queryHeads, d, f).
  package let weightQ: FloatBuffer
  /// b of the queries (queryHeads, f).
  package let biasQ: FloatBuffer
  /// W of the keys (keyHeads, d, f).
  package let weightK: FloatBuffer
  /// b of the keys (keyHeads, f).
  package let biasK: FloatBuffer
  /// Added to the denominator of linear attention, and to similarities before their logarithm.
  package let epsilon: Float

  /// The ε of the definition: far below any denominator that a healthy map produces.
  package static let defaultEpsilon: Float = 1e-12

  /// Number of features of a map, D = 2 f.
  package var features: Int { 2 * projectionSize }

  /// Creates maps that start at the identity: W has ones on its diagonal, b is zero.
  package init(
    queryHeads: Int, keyHeads: Int, headSize: Int, projectionSize: Int? = nil,
    epsilon: Float = defaultEpsilon
  ) {
    let size = projectionSize ?? headSize
    precondition(
      queryHeads > 0 && keyHeads > 0 && headSize > 0 && size > 0, "HedgehogMaps: sizes")
    precondition(queryHeads.isMultiple(of: keyHeads), "HedgehogMaps: key heads divide query heads")
    self.queryHeads = queryHeads
    self.keyHeads = keyHeads
    self.headSize = headSize
    self.projectionSize = size
    self.epsilon = epsilon
    weightQ = FloatBuffer(count: queryHeads * headSize * size)
    biasQ = FloatBuffer(count: queryHeads * size)
    weightK = FloatBuffer(count: keyHeads * headSize * size)
    biasK = FloatBuffer(count: keyHeads * size)
    for (weight, heads) in [(weightQ, queryHeads), (weightK, keyHeads)] {
      var span = weight.mutableSpan
      for head in 0..<heads {
        for i in 0..<min(headSize, size) { span[(head * headSize + i) * size + i] = 1 }
      }
    }
  }

  /// The maps of a design that the fused kernels know, sharing its parameters; nil for any other.
  init?(_ design: LinearAttentionDesign, _ parameters: [FloatBuffer]) {
    guard let function = design.function as? SoftmaxMap, !function.isJoint,
      design.sharing != .allHeads, design.window == 0
    else { return nil }
    queryHeads = design.queryHeads
    keyHeads = design.stateHeads
    headSize = design.headSize
    projectionSize = function.featureSize
    epsilon = design.epsilon
    if function.hasBias {
      (weightQ, biasQ) = (parameters[0], parameters[1])
      (weightK, biasK) = (parameters[2], parameters[3])
    } else {
      // Zeros that nobody trains.
      (weightQ, biasQ) = (parameters[0], FloatBuffer(count: queryHeads * projectionSize))
      (weightK, biasK) = (parameters[1], FloatBuffer(count: keyHeads * projectionSize))
    }
  }

  /// The parameters in a fixed order: weightQ, biasQ, weightK, biasK.
  package var parameters: [FloatBuffer] { [weightQ, biasQ, weightK, biasK] }

  func check(_ shape: AttentionShape) {
    precondition(
      queryHeads == shape.queryHeads && headSize == shape.headSize
        && (keyHeads == shape.keyValueHeads || keyHeads == shape.queryHeads),
      "HedgehogMaps: the maps do not fit the attention's shape")
  }
}
