// The parameters of the best measurement so far, to go back to.

internal import HHCompute

/// A copy of parameters in memory of its own.
struct BestValues {
  private let values: [FloatBuffer]
  /// What was kept last.
  let copies: [FloatBuffer]

  /// Keeps what the parameters are now.
  init(of values: [FloatBuffer]) {
    self.values = values
    copies = values.map { FloatBuffer(count: $0.count) }
    keep()
  }

  /// Keeps what the parameters have become.
  func keep() { for (value, copy) in zip(values, copies) { HHCompute.copy(value, to: copy) } }

  /// Gives the parameters the values that were kept last.
  func restore() { for (value, copy) in zip(values, copies) { HHCompute.copy(copy, to: value) } }
}
