// Features whose products are the exponential's series up to its square.

internal import HHKernels

/// φ(x) = [1, y, y ⊗ y / √2], y = x / d^¼, so that φ(q) · φ(k) = 1 + z + z²/2 with z = q · k / √d
/// (Based, arXiv 2402.18668). Of the products y_a y_b each pair is stored once.
package struct TaylorMap: FeatureFunction {
  /// Describes the map.
  package init() {}

  package func featureCount(headSize: Int) -> Int { 1 + headSize + headSize * (headSize + 1) / 2 }

  /// d^−¼.
  private func factor(_ headSize: Int) -> Float { 1 / Float(headSize).squareRoot().squareRoot() }

  package func forward(_ input: FeatureInput, into phi: Matrix, scales: FloatBuffer) {
    let size = input.x.columns
    let factor = factor(size)
    forEachRow(input.x, phi) { _, x, phi in
      phi[0] = 1
      var next = 1 + size
      for a in 0..<size {
        let y = factor * x[a]
        phi[1 + a] = y
        phi[next] = y * y * Float(0.5).squareRoot()
        next += 1
        for b in a + 1..<max(size, a + 1) {
          phi[next] = y * factor * x[b]
          next += 1
        }
      }
    }
  }

  package func backward(
    _ input: FeatureInput, phi: Matrix, dPhi: Matrix, dX: Matrix?, gradients: [Matrix?]
  ) {
    guard let dX else { return }
    let (x, size) = (input.x, input.x.columns)
    let factor = factor(size)
    let square = factor * factor
    forEachRow(dPhi, dX) { row, d, dX in
      let source = x.rows(row..<row + 1)
      let values = source.span
      var next = 1 + size
      for a in 0..<size {
        dX[a] += factor * d[1 + a] + square * Float(2).squareRoot() * values[a] * d[next]
        next += 1
        for b in a + 1..<max(size, a + 1) {
          dX[a] += square * values[b] * d[next]
          dX[b] += square * values[a] * d[next]
          next += 1
        }
      }
    }
  }
}

extension FeatureMapKind {
  /// [1, y, y ⊗ y / √2], y = x / d^¼, each pair of factors once, multiplied by √2.
  package static let taylor = FeatureMapKind(
    "taylor", formula: { _, _ in "[1, y, y ⊗ y / √2], y = x / d^¼" },
    python: .init(
      "taylor",
      definitions: """
        def taylor(u, **_):
            ""\"Products of these features are 1 + z + z^2 / 2 with z = q.k / sqrt(d).""\"
            y = u / u.shape[-1] ** 0.25
            # Each pair of factors occurs once.
            a, b = torch.triu_indices(u.shape[-1], u.shape[-1], device=u.device)
            pairs = y[..., a] * y[..., b] * torch.where(a == b, math.sqrt(0.5), 1.0)
            return torch.cat((torch.ones_like(y[..., :1]), y, pairs), -1)
        """)
  ) { _ in TaylorMap() }
}
