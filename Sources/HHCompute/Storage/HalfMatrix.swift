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
  let bits: [UInt16]

  /// Takes the elements' bits, row after row.
  package init(rows: Int, columns: Int, _ format: Format, bits: Bits) {
    precondition(bits.values.count == rows * columns, "as many values as elements")
    self.format = format
    self.rows = rows
    self.columns = columns
    self.bits = bits.values
  }

  /// Elements that are still being read.
  package struct Bits {
    fileprivate var values: [UInt16] = []

    /// Makes room for so many.
    package init(capacity: Int) { values.reserveCapacity(capacity) }

    /// Adds little-endian elements, which may start at any address.
    package mutating func append(_ bytes: RawSpan) {
      // Safe: whole elements inside the span, copied at once.
      unsafe bytes.withUnsafeBytes { bytes in
        for offset in stride(from: 0, to: bytes.count - 1, by: 2) {
          values.append(unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
        }
      }
    }
  }

  /// Elements widened at a time by one thread.
  private static let grain = 1 << 16

  /// Copies the elements to a matrix of float32 of the same extents and without gaps between rows.
  package func widen(into wide: Matrix) {
    precondition(
      wide.rows == rows && wide.columns == columns && wide.stride == columns, "widen: extents")
    parallelFor(count: bits.count, grain: Self.grain) { range, _ in
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
    let source = all.extracting(range)
    var output = buffer.mutableSpan(target)
    // Safe: an integer has no padding, so that every byte of the span is one to read.
    let bytes = unsafe source.bytes
    switch format {
    case .float16: convertF16(bytes, to: &output)
    case .bfloat16: convertBF16(bytes, to: &output)
    }
  }
}
