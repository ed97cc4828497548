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
  /// A projection, [maps, d, f], with what it is computed from.
  private struct Weight {
    let value: FloatBuffer
    let start: FloatBuffer  // W₀
    let offset: FloatBuffer  // V
    let slope: FloatBuffer  // T dW
    let transforms: [Matrix]  // T of every map

    init(_ value: FloatBuffer, _ transforms: [Matrix]) {
      self.value = value
      self.transforms = transforms
      start = FloatBuffer(count: value.count)
      offset = FloatBuffer(count: value.count)
      slope = FloatBuffer(count: value.count)
      copy(value, to: start)
    }

    /// One map's part of a buffer, [d, f].
    func map(_ buffer: FloatBuffer, _ index: Int) -> Matrix {
      let (size, d) = (buffer.count / transforms.count, transforms[index].rows)
      return Matrix(buffer, offset: index * size, rows: d, columns: size / d)
    }
  }

  /// Projections by their place among the parameters.
  private let weights: [Int: Weight]
  private let optimizer: AdamW
  /// Added to the eigenvalues of A, in proportion to their mean.
  private static let damping: Float = 0.01

  /// Creates an optimiser that starts at the maps' present weights.
  ///
  /// - Parameters:
  ///   - maps: What `step` changes; whatever else than projections they have is trained as it is.
  ///   - q: Queries [positions, heads · d] to take A from, as many as are worth the time.
  ///   - k: Keys [positions, key/value heads · d] of the same positions.
  ///   - options: The constants of AdamW.
  package convenience init(_ maps: FeatureMaps, q: Matrix, k: Matrix, options: AdamW.Options) {
    var transforms: [Int: [Matrix]] = [:]
    for (index, parameter) in maps.design.parameters.filter(\.isTrained).enumerated() {
      guard parameter.name.hasSuffix(".weight"), let count = parameter.shape.first else { continue }
      transforms[index] = Self.transforms(
        parameter.name.hasPrefix("query") ? q : k, maps: count, headSize: maps.design.headSize)
    }
    self.init(maps.trained, transforms: transforms, options: options)
  }

  private init(
    _ parameters: [FloatBuffer], transforms: [Int: [Matrix]], options: AdamW.Options
  ) {
    var weights: [Int: Weight] = [:]
    for (index, transforms) in transforms {
      weights[index] = Weight(parameters[index], transforms)
    }
    self.weights = weights
    optimizer = AdamW(
      parameters.indices.map { weights[$0]?.offset ?? parameters[$0] }, options: options)
  }

  /// What changes from step to step beside the parameters and `stepCount`: restore all three to go
  /// on, in an optimiser that was created from the same maps, queries and keys.
  package var buffers: [FloatBuffer] {
    weights.sorted { $0.key < $1.key }.flatMap { [$0.value.start, $0.value.offset] }
      + optimizer.firstMoments + optimizer.secondMoments
  }

  /// Steps done.
  package var stepCount: Int {
    get { optimizer.stepCount }
    set { optimizer.stepCount = newValue }
  }

  /// Moves every parameter against its gradient.
  ///
  /// - Parameters:
  ///   - gradients: Of the trained parameters, in their order.
  ///   - rate: Learning rate of this step.
  ///   - gradientScale: Factor of the gradients.
  package func step(gradients: [FloatBuffer], rate: Double, gradientScale: Double = 1) {
    let weights = weights.sorted { $0.key < $1.key }
    for (index, weight) in weights {
      for (map, transform) in weight.transforms.enumerated() {
        gemm(transform, weight.map(gradients[index], map), into: weight.map(weight.slope, map))
      }
    }
    optimizer.step(
      gradients: gradients.indices.map { self.weights[$0]?.slope ?? gradients[$0] }, rate: rate,
      gradientScale: gradientScale)
    let factor = Float(1 - rate * optimizer.options.weightDecay)
    for (_, weight) in weights {
      shrink(weight.start, by: factor)
      copy(weight.start, to: weight.value)
      for (map, transform) in weight.transforms.enumerated() {
        gemm(
          transform, weight.map(weight.offset, map), into: weight.map(weight.value, map), beta: 1)
      }
    }
  }

  /// Weight decay of W₀; AdamW's own decay of V does the rest of W.
  private func shrink(_ start: FloatBuffer, by factor: Float) {
    guard factor != 1 else { return }
    var span = start.mutableSpan
    for index in span.indices { span[index] *= factor }
  }

  /// T of `maps` maps, which share the heads of `inputs` evenly, several maps one head or several
  /// heads one map.
  private static func transforms(_ inputs: Matrix, maps: Int, headSize d: Int) -> [Matrix] {
    let heads = inputs.columns / d
    let distinct = min(maps, heads)
    let covariance = Matrix(rows: d, columns: d)
    let roots = (0..<distinct).map { index in
      let range = index * heads / distinct..<(index + 1) * heads / distinct
      for head in range {
        let x = inputs.columns(head * d..<(head + 1) * d)
        gemm(
          x, transposed: true, x, into: covariance,
          alpha: 1 / Float(max(1, x.rows) * range.count), beta: head == range.lowerBound ? 0 : 1)
      }
      let root = inverseFourthRoot(covariance, damping: damping)
      let mean = (0..<d).reduce(Float(0)) { $0 + covariance[$1, $1] } / Float(d)
      guard mean.isFinite, mean > 0 else { return root }
      for i in 0..<d { for j in 0..<d { root[i, j] /= mean.squareRoot().squareRoot() } }
      return root
    }
    return (0..<maps).map { roots[$0 * distinct / maps] }
  }
}
