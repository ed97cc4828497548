// Positive random features.

internal import Glibc
internal import HHKernels

/// φ(x) = exp(y ω − |y|²/2), y = x / d^¼, with `featureSize` random directions ω: the expectation of
/// φ(q) · φ(k) is proportional to exp(q · k / √d) (Performer, arXiv 2009.14794). Directions are
/// orthogonal in blocks of d, drawn once and kept.
package struct PerformerMap: FeatureFunction {
  /// Number of directions.
  package let featureSize: Int
  /// What the directions are drawn from.
  package let seed: UInt64

  /// Describes a map.
  package init(featureSize: Int, seed: UInt64) {
    self.featureSize = featureSize
    self.seed = seed
  }

  package var name: String { "performer" }
  package var hasScales: Bool { true }
  package func featureCount(headSize: Int) -> Int { featureSize }
  package func parameters(headSize: Int) -> [FeatureParameter] {
    [FeatureParameter("weight", shape: [headSize, featureSize], isTrained: false)]
  }

  package func initialValues(headSize: Int) -> [[Float]] {
    var normal = NormalSamples(seed: seed)
    var weight = [Float](repeating: 0, count: headSize * featureSize)
    var block: [[Double]] = []
    for column in 0..<featureSize {
      if column.isMultiple(of: headSize) { block = [] }
      let direction = normal.direction(size: headSize, orthogonalTo: block)
      block.append(direction)
      // The length of a vector of independent normal numbers.
      let length = (0..<headSize).reduce(0.0) { sum, _ in
        let x = normal.next()
        return sum + x * x
      }.squareRoot()
      for row in 0..<headSize {
        weight[row * featureSize + column] = Float(length * direction[row])
      }
    }
    return [weight]
  }

  private var projection: LinearProjection {
    LinearProjection(size: featureSize, hasBias: false)
  }
  package func scratchCount(rows: Int, headSize: Int) -> Int {
    projection.scratchCount(rows: rows, headSize: headSize)
  }

  package func forward(_ input: FeatureInput, into phi: Matrix, scales: FloatBuffer) {
    let (x, root) = (input.x, Float(input.x.columns).squareRoot())
    let factor = 1 / root.squareRoot()
    forEachRow(projection.forward(input), phi) { row, u, phi in
      let source = x.rows(row..<row + 1)
      let values = source.span
      var square: Float = 0
      for j in values.indices { square += values[j] * values[j] }
      for j in u.indices { phi[j] = factor * u[j] - square / (2 * root) }
    }
    var span = phi.mutableSpan
    var scaleSpan = scales.mutableSpan
    exponentialRows(&span, rows: phi.rows, columns: phi.columns, scales: &scaleSpan)
  }

  package func backward(
    _ input: FeatureInput, phi: Matrix, dPhi: Matrix, dX: Matrix, gradients: [Matrix?]
  ) {
    let (x, root) = (input.x, Float(input.x.columns).squareRoot())
    let factor = 1 / root.squareRoot()
    multiplyRows(phi, into: dPhi)
    forEachRow(dPhi, dX) { row, d, dX in
      let source = x.rows(row..<row + 1)
      let values = source.span
      var sum: Float = 0
      for j in d.indices { sum += d[j] }
      for j in values.indices { dX[j] -= sum * values[j] / root }
    }
    let dU = Matrix(input.scratch, rows: phi.rows, columns: featureSize)
    forEachRow(dPhi, dU) { _, d, dU in for j in d.indices { dU[j] = factor * d[j] } }
    projection.backward(input, dU: dU, dX: dX, gradients: [nil])
  }
}

/// Normal numbers from a seed: SplitMix64 and the Box-Muller transform.
private struct NormalSamples {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A number in (0, 1].
  private mutating func uniform() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return (Double((z ^ (z >> 31)) >> 11) + 1) * 0x1p-53
  }

  mutating func next() -> Double {
    let radius = (-2 * log(uniform())).squareRoot()
    return radius * cos(2 * Double.pi * uniform())
  }

  /// A random unit vector that is orthogonal to unit vectors orthogonal to each other.
  mutating func direction(size: Int, orthogonalTo others: [[Double]]) -> [Double] {
    while true {
      var x = (0..<size).map { _ in next() }
      // Twice: what rounding leaves of the first time goes in the second.
      for other in others + others {
        let product = zip(x, other).reduce(0) { $0 + $1.0 * $1.1 }
        for j in x.indices { x[j] -= product * other[j] }
      }
      let length = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
      if length > 1e-6 { return x.map { $0 / length } }
    }
  }
}
