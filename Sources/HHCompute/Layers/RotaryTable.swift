// Rotary position embedding (RoFormer, arXiv 2104.09864) in the rotate-half layout.

internal import Glibc
internal import HHKernels

/// Cosines and sines of position × frequency, for heads whose element i turns with i + headSize/2.
package struct RotaryTable: Sendable {
  /// Elements of a head; even.
  package let headSize: Int
  /// Number of positions.
  package let positions: Int
  private let cosine: FloatBuffer  // (positions, headSize / 2)
  private let sine: FloatBuffer  // (positions, headSize / 2)

  /// Computes the tables in double precision.
  ///
  /// - Parameters:
  ///   - headSize: Elements of a head; even.
  ///   - positions: Number of positions, from 0.
  ///   - inverseFrequencies: headSize / 2 angles per position, usually base^(−2i / headSize).
  ///   - scale: Factor of cosines and sines; 1 except in models that scale attention here.
  package init(headSize: Int, positions: Int, inverseFrequencies: [Float], scale: Float = 1) {
    precondition(headSize > 0 && headSize.isMultiple(of: 2), "RotaryTable: an even head size")
    precondition(inverseFrequencies.count == headSize / 2, "RotaryTable: headSize / 2 frequencies")
    precondition(positions >= 0, "RotaryTable: positions")
    self.headSize = headSize
    self.positions = positions
    let half = headSize / 2
    cosine = FloatBuffer(count: positions * half)
    sine = FloatBuffer(count: positions * half)
    var cosines = cosine.mutableSpan
    var sines = sine.mutableSpan
    for position in 0..<positions {
      for (index, frequency) in inverseFrequencies.enumerated() {
        let angle = Double(position) * Double(frequency)
        cosines[position * half + index] = scale * Float(cos(angle))
        sines[position * half + index] = scale * Float(sin(angle))
      }
    }
  }

  /// Turns every head of `x` (rows, heads · headSize) in place; row i is at position
  /// i mod length + offset, which must be in the table.
  package func apply(to x: Matrix, length: Int, offset: Int = 0) {
    turn(x, length: length, offset: offset, backwards: false)
  }

  /// Replaces the gradient of `apply`'s result by that of its argument, in place: every pair turns
  /// back by its angle.
  package func backward(_ dX: Matrix, length: Int, offset: Int = 0) {
    turn(dX, length: length, offset: offset, backwards: true)
  }

  private func turn(_ x: Matrix, length: Int, offset: Int, backwards: Bool) {
    precondition(x.columns.isMultiple(of: headSize), "RotaryTable: whole heads")
    precondition(length > 0 && offset >= 0 && length + offset <= positions, "RotaryTable: position")
    parallelRows(x.rows, columns: x.columns) { range in
      turnHere(
        x.rows(range), first: range.lowerBound, length: length, offset: offset,
        backwards: backwards)
    }
  }

  /// Turns rows on the thread that calls; row i is at position (first + i) mod length + offset.
  func turnHere(_ x: Matrix, first: Int = 0, length: Int, offset: Int, backwards: Bool) {
    precondition(offset >= 0 && length + offset <= positions, "RotaryTable: position")
    var span = x.mutableSpan
    applyRotary(
      &span, x.layout, headSize: headSize, cosine: cosine.span, sine: sine.span, firstRow: first,
      length: length, offset: offset, backwards: backwards)
  }
}
