// The first map of linear attention.

internal import Glibc
internal import HHKernels

/// φ(x) = 1 + elu(x): x + 1 for positive x, eˣ for others (arXiv 2006.16236).
package struct EluMap: FeatureFunction {
  /// Describes the map.
  package init() {}

  package func featureCount(headSize: Int) -> Int { headSize }

  package func forward(_ input: FeatureInput, into phi: Matrix, scales: FloatBuffer) {
    forEachRow(input.x, phi) { _, x, phi in
      for j in x.indices { phi[j] = x[j] > 0 ? x[j] + 1 : expf(x[j]) }
    }
  }

  package func backward(
    _ input: FeatureInput, phi: Matrix, dPhi: Matrix, dX: Matrix?, gradients: [Matrix?]
  ) {
    guard let dX else { return }
    // φ > 1 where x > 0, and is its own derivative elsewhere.
    forEachRow(phi, dPhi) { _, phi, d in for j in phi.indices { d[j] *= min(1, phi[j]) } }
    forEachRow(dPhi, dX) { _, d, dX in for j in d.indices { dX[j] += d[j] } }
  }
}

extension FeatureMapKind {
  /// 1 + elu(x).
  package static let elu = FeatureMapKind(
    "elu", formula: { _, _ in "1 + elu(x)" }, python: .init("lambda u, **_: F.elu(u) + 1")
  ) { _ in EluMap() }
}
