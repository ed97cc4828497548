// Matrices as kernels see them: spans that start at an odd address, with rows apart.

import HHKernels
import HHTestSupport
import Testing

/// A row-major matrix with NaN in front, between its rows and behind, so that reading beyond a row
/// spoils the result and writing there shows.
struct Grid {
  let layout: RowLayout
  private var storage: [Float]

  /// A matrix of zeros.
  init(rows: Int, columns: Int) {
    layout = RowLayout(rows: rows, columns: columns, stride: columns + 3 - columns % 2)
    storage = [Float](repeating: .nan, count: 1 + rows * layout.stride)
    set { _, _ in 0 }
  }

  /// A matrix of random numbers in [−spread, spread).
  init(rows: Int, columns: Int, _ samples: inout Samples, spread: Float = 1) {
    self.init(rows: rows, columns: columns)
    set { _, _ in spread * samples.next() }
  }

  private mutating func set(_ value: (_ row: Int, _ column: Int) -> Float) {
    for row in 0..<layout.rows {
      for column in 0..<layout.columns { self[row, column] = value(row, column) }
    }
  }

  subscript(row: Int, column: Int) -> Float {
    get { storage[1 + row * layout.stride + column] }
    set { storage[1 + row * layout.stride + column] = newValue }
  }

  var span: Span<Float> {
    @_lifetime(borrow self)
    get { storage.span.extracting(1...) }
  }

  /// Lends the matrix to a kernel that writes it.
  mutating func change(_ body: (inout MutableSpan<Float>, RowLayout) -> Void) {
    let layout = self.layout
    var all = storage.mutableSpan
    var span = all._mutatingExtracting(1...)
    body(&span, layout)
  }

  /// The elements, row by row.
  var values: [Float] {
    (0..<layout.rows).flatMap { row in (0..<layout.columns).map { self[row, $0] } }
  }

  /// The elements as rows of doubles.
  var rows: [[Double]] {
    (0..<layout.rows).map { row in (0..<layout.columns).map { Double(self[row, $0]) } }
  }

  /// The elements as doubles, row by row.
  var doubles: [Double] { values.map(Double.init) }

  /// Whether everything outside of the rows is still NaN.
  var isIntact: Bool {
    storage.indices.allSatisfy { index in
      let column = (index - 1) % layout.stride
      return (index > 0 && column < layout.columns) || storage[index].isNaN
    }
  }
}

extension [Float] {
  /// Lends the array to a kernel that writes it.
  mutating func change(_ body: (inout MutableSpan<Float>) -> Void) {
    var span = mutableSpan
    body(&span)
  }
}

/// Everything up to two vectors of sixteen floats and three elements more.
let counts = Array(0...35)
