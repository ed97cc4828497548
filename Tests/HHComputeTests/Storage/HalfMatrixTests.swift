import HHKernels
import HHTestSupport
import Testing

@testable import HHCompute

@Suite struct HalfMatrixTests {
  @Test("rows are gathered by number")
  func gather() {
    let (half, wide) = HalfWeights.make(rows: 9, columns: 33, .float16)
    let rows = Matrix(rows: 3, columns: 33)
    half.gatherRows(ids: [8, 0, 8], into: rows)
    #expect(rows.values == [8, 0, 8].flatMap { wide.rows($0..<$0 + 1).values })
  }

  @Test("elements are widened exactly, wherever they were appended", arguments: [1, 2, 7])
  func pieces(piece: Int) {
    // Halves of 1 to 8 in bfloat16, as bytes behind an odd one.
    let values = (1...8).map(Float.init)
    var bytes: [UInt8] = [0xFF]
    for value in values {
      bytes += [UInt8(truncatingIfNeeded: value.bitPattern >> 16), UInt8(value.bitPattern >> 24)]
    }
    var bits = HalfMatrix.Bits(capacity: 8)
    for start in stride(from: 0, to: 8, by: piece) {
      let end = min(8, start + piece)
      // Safe: bytes have no padding.
      unsafe bits.append(bytes.span.bytes.extracting(1 + 2 * start..<1 + 2 * end))
    }
    let wide = Matrix(rows: 2, columns: 4)
    HalfMatrix(rows: 2, columns: 4, .bfloat16, bits: bits).widen(into: wide)
    #expect(wide.values == values)
  }

  @Test(
    "a matrix is rounded to nearest, ties to even, whatever its stride", arguments: [1, 3, 300])
  func rounding(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let matrix = samples.matrix(501, columns)
    let buffer = FloatBuffer(count: HalfMatrix.floats(for: matrix))
    let wide = Matrix(rows: 501, columns: columns)
    HalfMatrix(rounding: matrix, in: buffer).widen(into: wide)
    for (value, found) in zip(matrix.values, wide.values) {
      let bits = value.bitPattern
      let rounded = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000
      if found.bitPattern != rounded { Issue.record("\(value) became \(found)") }
    }
  }

  @Test("too few or too many elements stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) {
      _ = HalfMatrix(rows: 2, columns: 2, .float16, bits: HalfMatrix.Bits(capacity: 4))
    }
    await #expect(processExitsWith: .failure) {
      var bits = HalfMatrix.Bits(capacity: 2)
      let bytes = [UInt8](repeating: 0, count: 6)
      // Safe: bytes have no padding.
      unsafe bits.append(bytes.span.bytes)
    }
  }
}
