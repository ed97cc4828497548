// AdamW on feature maps, in coordinates in which their inputs are nearly white.

/// The optimiser of the feature maps of a layer.
///
/// AdamW scales every weight by itself, which fits badly where the elements of queries and keys are
/// correlated or of very different size. With A = mean(x xᵀ) over a head's inputs x, and a the mean
/// of A's diagonal, it therefore trains V in W = W₀ + T V, T = (a A)^(−1/4), whose gradient is T dW.
/// The root is that of Shampoo (arXiv 1802.09568), half-way to white inputs, which do worse; the
/// factor a makes projections move as far for large inputs as for small ones. Biases are trained as
/// they are.
package final class WhitenedAdamW {
  private let maps: HedgehogMaps
  private let start: [FloatBuffer]  // W₀ of queries and keys
  private let offset: [FloatBuffer]  // V of queries and keys
  private let slope: [FloatBuffer]  // T dW of queries and keys
  private let transforms: [[Matrix]]  // T of every head of queries and keys
  private let optimizer: AdamW
  /// Added to the eigenvalues of A, in proportion to their mean.
  private static let damping: Float = 0.01

  /// Creates an optimiser that starts at the maps' present weights.
  ///
  /// - Parameters:
  ///   - maps: What `step` changes.
  ///   - q: Queries [positions, heads · d] to take A from, as many as are worth the time.
  ///   - k: Keys [positions, key/value heads · d] of the same positions.
  ///   - options: The constants of AdamW.
  package init(_ maps: HedgehogMaps, q: Matrix, k: Matrix, options: AdamW.Options) {
    self.maps = maps
    start = [maps.weightQ, maps.weightK].map { weight in
      let copy = FloatBuffer(count: weight.count)
      HHCompute.copy(weight, to: copy)
      return copy
    }
    offset = start.map { FloatBuffer(count: $0.count) }
    slope = start.map { FloatBuffer(count: $0.count) }
    transforms = [(q, maps.queryHeads), (k, maps.keyHeads)].map { inputs, heads in
      Self.transforms(inputs, heads: heads, headSize: maps.headSize)
    }
    optimizer = AdamW([offset[0], maps.biasQ, offset[1], maps.biasK], options: options)
  }

  /// Moves every parameter against its gradient.
  ///
  /// - Parameters:
  ///   - gradients: Of the maps' parameters.
  ///   - rate: Learning rate of this step.
  ///   - gradientScale: Factor of the gradients.
  package func step(gradients: HedgehogMapGradients, rate: Double, gradientScale: Double = 1) {
    let (d, f) = (maps.headSize, maps.projectionSize)
    func head(_ buffer: FloatBuffer, _ index: Int) -> Matrix {
      Matrix(buffer, offset: index * d * f, rows: d, columns: f)
    }
    for (side, gradient) in [gradients.weightQ, gradients.weightK].enumerated() {
      for (index, transform) in transforms[side].enumerated() {
        gemm(transform, head(gradient, index), into: head(slope[side], index))
      }
    }
    optimizer.step(
      gradients: [slope[0], gradients.biasQ, slope[1], gradients.biasK], rate: rate,
      gradientScale: gradientScale)
    shrinkStart(by: Float(1 - rate * optimizer.options.weightDecay))
    for (side, weight) in [maps.weightQ, maps.weightK].enumerated() {
      copy(start[side], to: weight)
      for (index, transform) in transforms[side].enumerated() {
        gemm(transform, head(offset[side], index), into: head(weight, index), beta: 1)
      }
    }
  }

  /// Weight decay of W₀; AdamW's own decay of V does the rest of W.
  private func shrinkStart(by factor: Float) {
    guard factor != 1 else { return }
    for buffer in start {
      var span = buffer.mutableSpan
      for index in span.indices { span[index] *= factor }
    }
  }

  /// T of `heads` maps, which share the heads of `inputs` evenly.
  private static func transforms(_ inputs: Matrix, heads: Int, headSize d: Int) -> [Matrix] {
    let inputHeads = inputs.columns / d
    let covariance = Matrix(rows: d, columns: d)
    let ofInputs = (0..<inputHeads).map { head in
      let x = inputs.columns(head * d..<(head + 1) * d)
      gemm(x, transposed: true, x, into: covariance, alpha: 1 / Float(max(1, x.rows)))
      let root = inverseFourthRoot(covariance, damping: damping)
      let mean = (0..<d).reduce(Float(0)) { $0 + covariance[$1, $1] } / Float(d)
      guard mean.isFinite, mean > 0 else { return root }
      for i in 0..<d { for j in 0..<d { root[i, j] /= mean.squareRoot().squareRoot() } }
      return root
    }
    return (0..<heads).map { ofInputs[$0 * inputHeads / heads] }
  }
}
