// Rectified features, without parameters or of a trained projection.

internal import HHKernels

/// φ(x) = max(x, 0), or max(x W + b, 0): the map of T2R (arXiv 2103.13076).
package struct ReluMap: FeatureFunction {
  private let projection: LinearProjection?

  /// The map without parameters.
  package init() { projection = nil }

  /// T2R's: `featureSize` columns of W.
  package init(featureSize: Int, hasBias: Bool = true) {
    projection = LinearProjection(size: featureSize, hasBias: hasBias)
  }

  package func featureCount(headSize: Int) -> Int { projection?.size ?? headSize }
  package func parameters(headSize: Int) -> [FeatureParameter] {
    projection?.parameters(headSize: headSize) ?? []
  }
  package func initialValues(headSize: Int) -> [[Float]] {
    projection?.initialValues(headSize: headSize) ?? []
  }
  package func scratchCount(rows: Int, headSize: Int) -> Int {
    projection?.scratchCount(rows: rows, headSize: headSize) ?? 0
  }

  package func forward(_ input: FeatureInput, into phi: Matrix, scales: FloatBuffer) {
    forEachRow(projection?.forward(input) ?? input.x, phi) { _, u, phi in
      for j in u.indices { phi[j] = max(u[j], 0) }
    }
  }

  package func backward(
    _ input: FeatureInput, phi: Matrix, dPhi: Matrix, dX: Matrix?, gradients: [Matrix?]
  ) {
    forEachRow(phi, dPhi) { _, phi, d in for j in phi.indices where phi[j] <= 0 { d[j] = 0 } }
    if let projection {
      projection.backward(input, dU: dPhi, dX: dX, gradients: gradients)
    } else if let dX {
      forEachRow(dPhi, dX) { _, d, dX in for j in d.indices { dX[j] += d[j] } }
    }
  }
}

extension FeatureMapKind {
  /// max(u, 0).
  package static let rectifiedProjection = FeatureMapKind(
    "t2r", projection: .trained, formula: { u, _ in "max(\(u), 0)" },
    python: .init("lambda u, **_: u.relu()")
  ) { ReluMap(featureSize: $0.featureSize, hasBias: $0.hasBias) }

  /// max(x, 0).
  package static let relu = FeatureMapKind(
    "relu", formula: { _, _ in "max(x, 0)" }, python: .init("lambda u, **_: u.relu()")
  ) { _ in ReluMap() }
}
