// The exponential without parameters that the Hedgehog paper compares with.

internal import HHKernels

/// φ(x) = exp(t x), element by element (Hedgehog, arXiv 2402.04347, section 3.2): its weights are
/// peaked, but do not grow with q · k.
package struct FixedExponentialMap: FeatureFunction {
  /// t.
  package let temperature: Float

  /// Describes a map.
  package init(temperature: Float) { self.temperature = temperature }

  package var storesLogScales: Bool { true }
  package func featureCount(headSize: Int) -> Int { headSize }

  package func forward(_ input: FeatureInput, into phi: Matrix, scales: FloatBuffer) {
    forEachRow(input.x, phi) { _, x, phi in
      for j in x.indices { phi[j] = temperature * x[j] }
    }
    var span = phi.mutableSpan
    var scaleSpan = scales.mutableSpan
    exponentialRows(&span, rows: phi.rows, columns: phi.columns, scales: &scaleSpan)
  }

  package func backward(
    _ input: FeatureInput, phi: Matrix, dPhi: Matrix, dX: Matrix?, gradients: [Matrix?]
  ) {
    guard let dX else { return }
    multiplyRows(phi, into: dPhi)
    forEachRow(dPhi, dX) { _, d, dX in for j in d.indices { dX[j] += temperature * d[j] } }
  }
}

extension FeatureMapKind {
  /// exp(cx).
  package static let exponentialOfInput = FeatureMapKind(
    "exponential", constant: .number(2), formula: { _, constant in "exp(\(constant) x)" },
    python: .init("lambda u, constant, **_: constant * u")
  ) { FixedExponentialMap(temperature: Float($0.constant)) }
}
