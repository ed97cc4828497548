// The element types of GGUF: sizes, numbers, and the plain ones' values.

import HHFormat
import HHTestSupport
import Testing

@Suite("GGMLType")
struct GGMLTypeTests {
  static let quantised = GGMLType.allCases.filter { $0.dtype == nil }

  @Test("types without blocks are converted, rounded where float32 is narrower")
  func plain() {
    func values(_ type: GGMLType, _ bytes: [UInt8]) -> [Float] {
      var values = [Float](repeating: .nan, count: bytes.count / type.bytesPerBlock)
      var span = values.mutableSpan
      type.dequantize(bytes.raw, to: &span)
      return values
    }
    let forge = GGUFForge()
    #expect(values(.i8, [0x80, 0x7F]) == [-128, 127])
    #expect(values(.i16, forge.integer(Int16.min)) == [-32768])
    #expect(values(.i32, forge.integer(Int32(16_777_217))) == [16_777_216])
    #expect(values(.i64, forge.integer(Int64.min)) == [-0x1p63])
    #expect(values(.f64, forge.integer((1 + 0x1p-24).bitPattern)) == [1])
    #expect(values(.f32, forge.integer(Float(1.5).bitPattern)) == [1.5])
    #expect(values(.f16, [0x00, 0x3E]) == [1.5])
    #expect(values(.bf16, [0xC0, 0x3F]) == [1.5])
  }

  @Test("there are 27 quantised types, and removed numbers are no types")
  func complete() throws {
    #expect(Self.quantised.count == 27)
    for number: UInt32 in [4, 5, 31, 32, 33, 36, 37, 38, 43] {
      #expect(GGMLType(rawValue: number) == nil)
    }
  }

  @Test("a size that is no whole number of blocks, or overflows, is nil")
  func sizes() {
    #expect(GGMLType.q4K.byteCount(ofElements: 512) == 288)
    #expect(GGMLType.q4K.byteCount(ofElements: 511) == nil)
    #expect(GGMLType.f64.byteCount(ofElements: Int.max) == nil)
  }
}
