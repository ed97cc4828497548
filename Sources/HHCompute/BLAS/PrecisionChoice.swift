// Which precision of matrix products is worth while on this machine.

/// The precision that was chosen for a model's products, and what was measured.
package struct PrecisionChoice: Sendable, Equatable {
  /// The extents of a product.
  package struct Extents: Sendable, Hashable {
    package let rows: Int
    package let depth: Int
    package let columns: Int

    /// A product of `rows` × `depth` by `depth` × `columns`.
    package init(rows: Int, depth: Int, columns: Int) {
      (self.rows, self.depth, self.columns) = (rows, depth, columns)
    }
  }

  /// Products in bfloat16 are chosen where they are so many times as fast: less is not worth what
  /// rounding costs, and might be the noise of a busy machine.
  package static let leastGain = 1.25

  /// How many times as fast products in bfloat16 are as those in float32, rounding included.
  package let gain: Double
  /// The precision to compute in.
  package var precision: ProductPrecision { gain >= Self.leastGain ? .bfloat16 : .float32 }

  /// Chooses by a gain.
  package init(gain: Double) { self.gain = gain }

  /// Chooses by timing the given products in turn, for some milliseconds each; float32 without timing
  /// where bfloat16 has no units.
  package init(measuring extents: [Extents]) {
    guard ProductPrecision.missingUnits == nil, !extents.isEmpty else {
      self.init(gain: 1)
      return
    }
    var seconds: [ProductPrecision: Double] = [:]
    for extent in extents {
      let (a, b) = (
        Matrix(rows: extent.rows, columns: extent.depth),
        Matrix(rows: extent.columns, columns: extent.depth)
      )
      let product = Matrix(rows: extent.rows, columns: extent.columns)
      for precision in ProductPrecision.allCases {
        let fastest = (0..<3).map { _ in
          ContinuousClock().measure {
            gemm(a, transposed: false, b, transposed: true, into: product, precision: precision)
          }
        }.min()
        seconds[precision, default: 0] += (fastest ?? .zero) / .seconds(1)
      }
    }
    self.init(gain: seconds[.float32, default: 1] / max(1e-9, seconds[.bfloat16, default: 1]))
  }
}
