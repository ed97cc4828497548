// Storing floats in narrower types.

import HHFormat
import Testing

@Suite("Narrowing floats")
struct FloatNarrowingTests {
  private func narrow(
    _ values: [Float], to type: DType
  ) throws -> (bytes: [UInt8], overflow: Int?) {
    let stored = DType.f32.store(values.span)
    let bytes = try #require(stored)
    var result: [UInt8] = []
    let overflow = try DType.f32.convert(bytes.raw, storingAs: type) { piece throws(FormatError) in
      result += piece.copied()
    }
    return (result, overflow)
  }

  @Test(
    "the first finite value that would become infinite is told",
    arguments: [
      (DType.f16, 65519.996 as Float, nil as Int?), (.f16, 65520, 1), (.f16, -65520, 1),
      (.f16, .infinity, nil), (.f16, .nan, nil), (.f16, .greatestFiniteMagnitude, 1),
      (.bf16, 3.3961775e38, 1), (.bf16, 3.39e38, nil), (.bf16, -.infinity, nil),
      (.f32, .greatestFiniteMagnitude, nil),
    ])
  func overflow(_ type: DType, _ value: Float, _ expected: Int?) throws {
    let result = try narrow([1, value, 2], to: type)
    #expect(result.overflow == expected)
    // Whatever is not reported is finite exactly where it was.
    if expected == nil {
      #expect((type.firstNonFinite(in: result.bytes.raw) == nil) == value.isFinite)
    }
  }

  private func narrow(
    _ values: [Double], to type: DType
  ) throws -> (bytes: [UInt8], overflow: Int?) {
    let stored = values.flatMap { value in
      (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
    var result: [UInt8] = []
    let overflow = try DType.f64.convert(stored.raw, storingAs: type) { piece throws(FormatError) in
      result += piece.copied()
    }
    return (result, overflow)
  }

  @Test("64-bit floats are rounded to float32 first, and one beyond that is told")
  func doubles() throws {
    let values: [Double] = [1, 1 + 0x1p-30, -3e38, .infinity]
    let floats = values.map { Float($0) }
    for type in [DType.f32, .bf16] {
      let result = try narrow(values, to: type)
      let stored = type.store(floats.span)
      #expect(result.overflow == nil && result.bytes == stored)
    }
    #expect(try narrow([1, 2, 4e38] as [Double], to: .f32).overflow == 2)
  }

  @Test("an index beyond the first piece counts from the tensor's start")
  func pieces() throws {
    var values = [Float](repeating: 0.5, count: (1 << 20) + 7)
    values[(1 << 20) + 3] = 1e6
    #expect(try narrow(values, to: .f16).overflow == (1 << 20) + 3)
    values[(1 << 20) + 3] = 3
    let result = try narrow(values, to: .bf16)
    #expect(result.bytes.count == 2 * values.count)
    #expect(result.bytes == DType.bf16.store(values.span))
  }

  @Test("bytes of the same type pass as they are, whatever they are", arguments: DType.allCases)
  func same(_ type: DType) throws {
    let bytes = (0..<96).map { UInt8(truncatingIfNeeded: $0 * 73) }
    var result: [UInt8] = []
    let overflow = try type.convert(bytes.raw, storingAs: type) { piece throws(FormatError) in
      result += piece.copied()
    }
    #expect(overflow == nil)
    #expect(result == bytes)
  }
}
