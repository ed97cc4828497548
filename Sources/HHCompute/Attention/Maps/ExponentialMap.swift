// Hedgehog's map as the paper states it: exponentials of a trained projection.

internal import HHKernels

/// φ(x) = exp(u), or [exp(u), exp(−u)] with negation, u = x W + b (Hedgehog, arXiv 2402.04347,
/// section 4.2). Rows are stored less their largest logarithm, so that no feature overflows.
package struct ExponentialMap: FeatureFunction {
  /// Columns of W.
  package let featureSize: Int
  /// Whether b exists.
  package let hasBias: Bool
  /// Whether there is a second half, exp(−u).
  package let isNegated: Bool
  private let projection: LinearProjection

  /// Describes a map.
  package init(featureSize: Int, hasBias: Bool = true, isNegated: Bool) {
    self.featureSize = featureSize
    self.hasBias = hasBias
    self.isNegated = isNegated
    projection = LinearProjection(size: featureSize, hasBias: hasBias)
  }

  package var storesLogScales: Bool { true }
  package func featureCount(headSize: Int) -> Int { isNegated ? 2 * featureSize : featureSize }
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
    let u = projection.forward(input)
    if isNegated { mirror(u, factor: 1, into: phi) } else { copyRows(u, to: phi) }
    var span = phi.mutableSpan
    var scaleSpan = scales.mutableSpan
    exponentialRows(&span, rows: phi.rows, columns: phi.columns, scales: &scaleSpan)
  }

  package func backward(
    _ input: FeatureInput, phi: Matrix, dPhi: Matrix, dX: Matrix?, gradients: [Matrix?]
  ) {
    multiplyRows(phi, into: dPhi)
    let dU = Matrix(input.scratch, rows: phi.rows, columns: featureSize)
    if isNegated { unmirror(dPhi, factor: 1, into: dU) } else { copyRows(dPhi, to: dU) }
    projection.backward(input, dU: dU, dX: dX, gradients: gradients)
  }
}

extension FeatureMapKind {
  /// exp(u).
  package static let exponential = FeatureMapKind(
    "hedgehog-exponential", projection: .trained, formula: { u, _ in "exp(\(u))" },
    python: .init("lambda u, **_: u")
  ) { ExponentialMap(featureSize: $0.featureSize, hasBias: $0.hasBias, isNegated: false) }

  /// [exp(u), exp(−u)].
  package static let negatedExponential = FeatureMapKind(
    "hedgehog-exponential-negated", projection: .trained,
    formula: { u, _ in "[exp(\(u)), exp(−(\(u)))]" },
    python: .init("lambda u, **_: mirrored(u)")
  ) { ExponentialMap(featureSize: $0.featureSize, hasBias: $0.hasBias, isNegated: true) }
}

/// target = source, row by row.
func copyRows(_ source: Matrix, to target: Matrix) {
  forEachRow(source, target) { _, source, target in
    for j in source.indices { target[j] = source[j] }
  }
}

/// product *= x, element by element: the gradient of an exponential, given its value.
func multiplyRows(_ x: Matrix, into product: Matrix) {
  forEachRow(x, product) { _, x, product in for j in x.indices { product[j] *= x[j] } }
}
