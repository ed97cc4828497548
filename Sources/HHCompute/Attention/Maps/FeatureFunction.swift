// What every feature map gives: features of rows, and the way back.

internal import HHKernels

/// A parameter of one map.
package struct FeatureParameter: Sendable, Equatable {
  /// `weight` or `bias`.
  package let name: String
  /// Its extents, such as [head size, features].
  package let shape: [Int]
  /// False for what is drawn once and kept, such as random directions.
  package let isTrained: Bool

  /// Number of values.
  package var count: Int { shape.reduce(1, *) }

  /// Names a parameter.
  package init(_ name: String, shape: [Int], isTrained: Bool = true) {
    self.name = name
    self.shape = shape
    self.isTrained = isTrained
  }
}

/// Rows that a map is applied to.
package struct FeatureInput {
  /// Queries or keys of one head, [rows, head size].
  package let x: Matrix
  /// Position of the first row in its sequence.
  package let position: Int
  /// Positions from one row to the next.
  package let step: Int
  /// The map's parameters in its order, one row each.
  package let parameters: [Matrix]
  /// At least `scratchCount` floats.
  package let scratch: FloatBuffer

  /// Gathers an input.
  package init(
    x: Matrix, position: Int = 0, step: Int = 1, parameters: [Matrix], scratch: FloatBuffer
  ) {
    self.x = x
    self.position = position
    self.step = step
    self.parameters = parameters
    self.scratch = scratch
  }
}

/// A feature map φ: linear attention weighs key j for query i by φ_q(q_i) · φ_k(k_j).
///
/// A row of features may be stored with the logarithm of its scale, so that exponentials never
/// overflow: the true features are then e^scale times what is stored. A query's scale cancels in
/// the quotient and is not used. The backward pass takes scales as constants; since every scale is
/// the logarithm of a row's largest feature, the rest cancels.
package protocol FeatureFunction: Sendable {
  /// Whether rows of features come with scales; those of others are zero and not written.
  var storesLogScales: Bool { get }
  /// Features of a head of `headSize` elements.
  func featureCount(headSize: Int) -> Int
  /// The parameters of one map, in order.
  func parameters(headSize: Int) -> [FeatureParameter]
  /// The values that a map starts with, parameter by parameter. Queries and keys start alike.
  func initialValues(headSize: Int) -> [[Float]]
  /// Floats of scratch space for `forward` and `backward` of `rows` rows.
  func scratchCount(rows: Int, headSize: Int) -> Int
  /// Writes the features of every row to `phi` [rows, features], dense, and the scales to `scales`
  /// [rows].
  func forward(_ input: FeatureInput, into phi: Matrix, scales: FloatBuffer)
  /// The gradients, given the features of `forward` and their gradient, both dense.
  ///
  /// - Parameters:
  ///   - input: The rows that `forward` was given.
  ///   - phi: What it stored.
  ///   - dPhi: The gradient of what `forward` stored; overwritten.
  ///   - dX: Added to, [rows, head size]; nil where nobody asks.
  ///   - gradients: Added to, as `parameters`, one row each; nil for what is not trained.
  func backward(
    _ input: FeatureInput, phi: Matrix, dPhi: Matrix, dX: Matrix?, gradients: [Matrix?])
  /// What the map's projection sees of `x` [rows, heads · head size], row i of which is at position
  /// i mod `length`.
  func projected(_ x: Matrix, length: Int) -> Matrix
}

extension FeatureFunction {
  package var storesLogScales: Bool { false }
  package func parameters(headSize: Int) -> [FeatureParameter] { [] }
  package func initialValues(headSize: Int) -> [[Float]] { [] }
  package func scratchCount(rows: Int, headSize: Int) -> Int { 0 }
  package func projected(_ x: Matrix, length: Int) -> Matrix { x }
}

/// Calls `body` with every row of a strided and of a dense matrix: the shape of maps that look at one
/// row at a time.
func forEachRow(
  _ x: Matrix, _ dense: Matrix,
  _ body: (_ row: Int, _ x: Span<Float>, inout MutableSpan<Float>) -> Void
) {
  for row in 0..<x.rows {
    let (source, target) = (x.rows(row..<row + 1), dense.rows(row..<row + 1))
    let span = source.span
    var out = target.mutableSpan
    body(row, span, &out)
  }
}
