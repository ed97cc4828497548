// Rectified features that know how far apart two positions are.

internal import Glibc
internal import HHKernels

/// φ(x_i) = [relu(x) cos θ_i, relu(x) sin θ_i], θ_i = π i / 2M, so that a weight is
/// relu(q) · relu(k) · cos(π (i − j) / 2M) (cosFormer, arXiv 2202.08791). Beyond M positions apart a
/// weight would be negative: M is the longest sequence.
package struct CosFormerMap: FeatureFunction {
  /// M.
  package let horizon: Int

  /// Describes a map for sequences of at most `horizon` positions.
  package init(horizon: Int) { self.horizon = max(1, horizon) }

  package func featureCount(headSize: Int) -> Int { 2 * headSize }

  private func angle(_ position: Int) -> Float {
    Float(Double.pi * Double(position) / Double(2 * horizon))
  }

  package func forward(_ input: FeatureInput, into phi: Matrix, scales: FloatBuffer) {
    let size = input.x.columns
    forEachRow(input.x, phi) { row, x, phi in
      let angle = angle(input.position + row * input.step)
      let (c, s) = (cosf(angle), sinf(angle))
      for j in 0..<size {
        let rectified = max(x[j], 0)
        phi[j] = rectified * c
        phi[size + j] = rectified * s
      }
    }
  }

  package func backward(
    _ input: FeatureInput, phi: Matrix, dPhi: Matrix, dX: Matrix?, gradients: [Matrix?]
  ) {
    guard let dX else { return }
    let (x, size) = (input.x, input.x.columns)
    forEachRow(dPhi, dX) { row, d, dX in
      let angle = angle(input.position + row * input.step)
      let (c, s) = (cosf(angle), sinf(angle))
      let source = x.rows(row..<row + 1)
      let values = source.span
      for j in 0..<size where values[j] > 0 { dX[j] += c * d[j] + s * d[size + j] }
    }
  }
}

extension FeatureMapKind {
  /// [max(x, 0) cos θ, max(x, 0) sin θ], θ = π · position / 2c.
  package static let cosformer = FeatureMapKind(
    "cosformer", constant: .positions,
    formula: { _, constant in
      "[max(x, 0) cos θ, max(x, 0) sin θ], θ = π · position / \(Int(min(2 * constant, 1e9)))"
    },
    python: .init(
      "cosformer",
      definitions: """
        def cosformer(u, positions, constant, **_):
            ""\"Products of these features are relu(q).relu(k) cos(pi (i - j) / 2c).""\"
            angles = positions[:, None, :, None].float() * (math.pi / 2 / max(1, int(constant)))
            return torch.cat((u.relu() * angles.cos(), u.relu() * angles.sin()), -1)
        """)
  ) { CosFormerMap(horizon: Int(min($0.constant, 1e9))) }
}
