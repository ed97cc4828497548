// Weights kept as the 16-bit floats that a file stores.

internal import HHKernels

/// A row-major matrix of float16 or bfloat16: half the memory of a `Matrix`, and half the bytes to
/// read in a product. Every value is one that float32 has too, so widening loses nothing.
package final class HalfMatrix: Sendable {
  /// What the 16 bits mean.
  package enum Format: Sendable {
    /// IEEE 754 binary16.
    case float16
    /// The upper half of a float32.
    case bfloat16
  }

  /// What the elements' bits mean.
  package let format: Format
  /// Number of rows.
  package let rows: Int
  /// Elements of a row.
  package let columns: Int
  // Two to a float: such a buffer lies in large pages, without which reading it stalls.
  let bits: FloatBuffer

  /// Takes the elements' bits, row after row.
  package init(rows: Int, columns: Int, _ format: Format, bits: Bits) {
    precondition(bits.count == rows * columns, "as many values as elements")
    self.format = format
    self.rows = rows
    self.columns = columns
    self.bits = bits.buffer
  }

  /// Rounds the elements of `matrix` to bfloat16, to nearest and ties to even; `buffer` has room for
  /// two of them in a float, and must not change while this matrix is used.
  init(rounding matrix: Matrix, in buffer: FloatBuffer) {
    precondition(buffer.count >= Self.floats(for: matrix), "room for the elements")
    (format, rows, columns, bits) = (.bfloat16, matrix.rows, matrix.columns, buffer)
    let columns = columns
    // An even number of rows at a time, so that no two threads write into one float.
    let grain = 2 * max(1, Self.grain / (2 * max(1, columns)))
    parallelFor(count: rows, grain: grain) { range, _ in
      for row in range { Self.round(matrix.rows(row..<row + 1), into: buffer, at: row * columns) }
    }
  }

  /// Rounds the elements of `matrix` to bfloat16, to nearest and ties to even.
  package convenience init(rounding matrix: Matrix) {
    self.init(rounding: matrix, in: FloatBuffer(count: Self.floats(for: matrix)))
  }

  /// Floats of a buffer that has room for so many elements.
  static func floats(for matrix: Matrix) -> Int { (matrix.rows * matrix.columns + 1) / 2 }

  @inline(never)
  private static func round(_ row: Matrix, into buffer: FloatBuffer, at start: Int) {
    let source = row.span
    var output = buffer.mutableSpan(start / 2..<(start + row.columns + 1) / 2)
    convertToBF16(source, toHalvesOf: &output, from: start % 2)
  }

  /// Elements that are still being read.
  package struct Bits {
    fileprivate let buffer: FloatBuffer
    fileprivate var count = 0

    /// Makes room for so many.
    package init(capacity: Int) { buffer = FloatBuffer(count: (capacity + 1) / 2) }

    /// Adds little-endian elements, which may start at any address.
    package mutating func append(_ bytes: RawSpan) {
      let start = 2 * count
      precondition(
        bytes.byteCount.isMultiple(of: 2) && start + bytes.byteCount <= 4 * buffer.count,
        "append: whole elements, and room for them")
      var target = buffer.mutableSpan
      // Safe: the line above checked that they fit, and any bits are a float's.
      unsafe bytes.withUnsafeBytes { source in
        unsafe target.withUnsafeMutableBytes { target in
          unsafe UnsafeMutableRawBufferPointer(rebasing: target[start...]).copyMemory(from: source)
        }
      }
      count += bytes.byteCount / 2
    }
  }

  /// Elements widened at a time by one thread.
  private static let grain = 1 << 16

  /// Copies the elements to a matrix of float32 of the same extents and without gaps between rows.
  package func widen(into wide: Matrix) {
    precondition(
      wide.rows == rows && wide.columns == columns && wide.stride == columns, "widen: extents")
    parallelFor(count: rows * columns, grain: Self.grain) { range, _ in
      self.widen(
        range, into: wide.buffer, wide.offset + range.lowerBound..<wide.offset + range.upperBound)
    }
  }

  /// Copies the rows that `ids` name, in their order, to the rows of `out`.
  package func gatherRows(ids: [Int32], into out: Matrix) {
    precondition(out.rows == ids.count && out.columns == columns, "gatherRows: shapes")
    for (row, id) in ids.enumerated() {
      let id = Int(id)
      precondition(0 <= id && id < rows, "gatherRows: identifier outside the table")
      let start = out.offset + row * out.stride
      widen(id * columns..<(id + 1) * columns, into: out.buffer, start..<start + columns)
    }
  }

  @inline(never)
  private func widen(_ range: Range<Int>, into buffer: FloatBuffer, _ target: Range<Int>) {
    let bits = bits
    let all = bits.span
    // Safe: every byte of a float is one to read.
    let bytes = unsafe all.bytes
    let source = bytes.extracting(2 * range.lowerBound..<2 * range.upperBound)
    var output = buffer.mutableSpan(target)
    switch format {
    case .float16: convertF16(source, to: &output)
    case .bfloat16: convertBF16(source, to: &output)
    }
  }
}
