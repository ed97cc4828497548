// Low-rank adapters (LoRA, arXiv 2106.09685): a linear map's change as a product of two thin ones.

package import HHCompute
internal import HHModel

/// One adapter: y = x Wᵀ + b + α / r · (dropout(x) Aᵀ) Bᵀ.
package struct LowRankAdapter: Sendable {
  /// Role of the weight that it changes.
  package let role: String
  /// A, [rank, inputs].
  package let a: Matrix
  /// B, [outputs, rank].
  package let b: Matrix
  /// The gradient of A.
  package let gradientA: Matrix
  /// The gradient of B.
  package let gradientB: Matrix
  /// α / rank.
  package let scale: Float
  /// Share of the inputs that a training step leaves out.
  package let dropout: Float
  /// Place among the adapters, which tells its dropout from the others'.
  let index: UInt32

  /// Creates an adapter that changes nothing yet: A is uniform within ±1/√inputs, B zero, as PEFT
  /// starts them.
  init(
    _ linear: Linear, settings: LowRankSettings, index: Int, generator: inout SeededGenerator
  ) {
    role = linear.weight
    a = Matrix(rows: settings.rank, columns: linear.inputs)
    b = Matrix(rows: linear.outputs, columns: settings.rank)
    gradientA = Matrix(rows: settings.rank, columns: linear.inputs)
    gradientB = Matrix(rows: linear.outputs, columns: settings.rank)
    scale = Float(settings.alpha / Double(settings.rank))
    dropout = Float(settings.dropout)
    self.index = UInt32(truncatingIfNeeded: index)
    let bound = 1 / Double(linear.inputs).squareRoot()
    var values = a.buffer.mutableSpan
    for element in values.indices {
      values[element] = Float(Double.random(in: -bound...bound, using: &generator))
    }
  }

  /// What the adapter adds to its weight: α / r · B A.
  package func change(isInputMajor: Bool) -> LowRankChange {
    LowRankChange(a: a, b: b, isInputMajor: isInputMajor, factor: scale)
  }
}
