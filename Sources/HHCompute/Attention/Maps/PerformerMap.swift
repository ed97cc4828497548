// Positive random features.

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

  package var storesLogScales: Bool { true }
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
    _ input: FeatureInput, phi: Matrix, dPhi: Matrix, dX: Matrix?, gradients: [Matrix?]
  ) {
    guard let dX else { return }
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

extension FeatureMapKind {
  /// exp(yω − |y|²/2), y = x / d^¼, with random directions ω, which are W.
  package static let performer = FeatureMapKind(
    "performer", projection: .random,
    formula: { _, _ in "exp(yW − |y|²/2), y = x / d^¼, with random directions W" },
    python: .init(
      "performer",
      definitions: """
        def performer(u, x, **_):
            ""\"Logarithms of positive random features: yW - |y|^2 / 2 with y = x / d^(1/4).""\"
            root = math.sqrt(x.shape[-1])
            return u / math.sqrt(root) - x.square().sum(-1, keepdim=True) / (2 * root)
        """)
  ) { PerformerMap(featureSize: $0.featureSize, seed: $0.seed) }
}
