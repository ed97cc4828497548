// Random matrices and comparison with double-precision references.

import HHCompute
import Testing

/// A small deterministic generator (SplitMix64), so that every run tests the same numbers.
struct Samples {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A number in [−1, 1).
  mutating func next() -> Float {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Float((z ^ (z >> 31)) >> 40) / Float(1 << 23) - 1
  }

  mutating func values(_ count: Int, spread: Float = 1) -> [Float] {
    (0..<count).map { _ in spread * next() }
  }

  mutating func buffer(_ count: Int, spread: Float = 1) -> FloatBuffer {
    FloatBuffer(values(count, spread: spread))
  }

  /// A matrix inside a wider buffer, so that its stride is odd and its start unaligned; what
  /// surrounds it is not a number, so that reading it would show.
  mutating func matrix(_ rows: Int, _ columns: Int, spread: Float = 1) -> Matrix {
    let stride = columns + 3 - columns % 2
    let buffer = FloatBuffer([Float](repeating: .nan, count: 1 + rows * stride))
    let matrix = Matrix(buffer, offset: 1, rows: rows, columns: columns, stride: stride)
    for row in 0..<rows { for column in 0..<columns { matrix[row, column] = spread * next() } }
    return matrix
  }
}

extension Matrix {
  /// The elements as rows of doubles.
  var doubles: [[Double]] { (0..<rows).map { row in (0..<columns).map { Double(self[row, $0]) } } }
}

/// Expects `actual` to be within `tolerance` of `expected`, relative to the larger of its size and 1.
func expectClose(
  _ actual: [Float], _ expected: [Double], tolerance: Double = 1e-5, _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual.count == expected.count, sourceLocation: sourceLocation)
  var worst = (difference: 0.0, index: 0)
  for (index, (a, e)) in zip(actual, expected).enumerated() {
    let difference = abs(Double(a) - e) / max(1, abs(e))
    // A NaN compares false with everything, so it must be asked for.
    if !(difference <= worst.difference) { worst = (difference, index) }
    if difference.isNaN { break }
  }
  #expect(
    worst.difference <= tolerance, "\(what) at \(worst.index)", sourceLocation: sourceLocation)
}
