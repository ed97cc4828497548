// Hedgehog's map over the softmax of features, in two variants that are not interchangeable.

internal import HHKernels

/// φ(x) = [softmax(u), softmax(−u)], u = x W + b (LoLCATs, arXiv 2410.10254, table 2), or one softmax
/// over [2u, −2u] (flash-linear-attention's HedgehogFeatureMap).
package struct SoftmaxMap: FeatureFunction {
  /// Columns of W, f; the map has 2 f features.
  package let featureSize: Int
  /// Whether b exists.
  package let hasBias: Bool
  /// Whether one softmax goes over both halves.
  package let isJoint: Bool
  private let projection: LinearProjection

  /// Describes a map.
  package init(featureSize: Int, hasBias: Bool = true, isJoint: Bool = false) {
    self.featureSize = featureSize
    self.hasBias = hasBias
    self.isJoint = isJoint
    projection = LinearProjection(size: featureSize, hasBias: hasBias)
  }

  package func featureCount(headSize: Int) -> Int { 2 * featureSize }
  package func parameters(headSize: Int) -> [FeatureParameter] {
    projection.parameters(headSize: headSize)
  }
  package func initialValues(headSize: Int) -> [[Float]] {
    projection.initialValues(headSize: headSize)
  }
  package func scratchCount(rows: Int, headSize: Int) -> Int {
    projection.scratchCount(rows: rows, headSize: headSize)
  }

  package func forward(_ input: FeatureInput, into phi: Matrix, scales: FloatBuffer) {
    guard isJoint else { return projection.softmaxPairs(input, into: phi) }
    mirror(projection.forward(input), factor: 2, into: phi)
    var span = phi.mutableSpan
    softmaxRows(&span, rows: phi.rows, columns: 2 * featureSize)
  }

  package func backward(
    _ input: FeatureInput, phi: Matrix, dPhi: Matrix, dX: Matrix?, gradients: [Matrix?]
  ) {
    let dU = Matrix(input.scratch, rows: phi.rows, columns: featureSize)
    if isJoint {
      var span = dPhi.mutableSpan
      softmaxRowsBackward(phi.span, rows: phi.rows, columns: 2 * featureSize, gradient: &span)
      unmirror(dPhi, factor: 2, into: dU)
    } else {
      var span = dU.mutableSpan
      softmaxPairsBackward(
        phi.span, dPhi: dPhi.span, rows: phi.rows, columns: featureSize, into: &span)
    }
    projection.backward(input, dU: dU, dX: dX, gradients: gradients)
  }
}

extension FeatureMapKind {
  /// Two softmaxes, of u and of −u.
  package static let splitSoftmax = FeatureMapKind(
    "hedgehog-softmax-split", projection: .trained,
    formula: { u, _ in "[softmax(\(u)), softmax(−(\(u)))]" },
    python: .init("lambda u, **_: torch.cat((u.softmax(-1), (-u).softmax(-1)), -1)")
  ) { SoftmaxMap(featureSize: $0.featureSize, hasBias: $0.hasBias) }

  /// One softmax over [2u, −2u].
  package static let jointSoftmax = FeatureMapKind(
    "hedgehog-softmax-joint", projection: .trained,
    formula: { u, _ in "softmax([2(\(u)), −2(\(u))])" },
    python: .init("lambda u, **_: mirrored(2 * u).softmax(-1)")
  ) { SoftmaxMap(featureSize: $0.featureSize, hasBias: $0.hasBias, isJoint: true) }
}
