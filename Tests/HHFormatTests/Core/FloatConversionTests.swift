// Which elements are converted, stored and scanned, and that nothing depends on where they lie.

import HHFormat
import Testing

@Suite("FloatConversion")
struct FloatConversionTests {
  /// The elements' bytes, little-endian.
  private func bytes<Element: FixedWidthInteger>(_ elements: [Element]) -> [UInt8] {
    elements.flatMap { element in
      (0..<(Element.bitWidth / 8)).map { UInt8(truncatingIfNeeded: element >> ($0 * 8)) }
    }
  }

  // The three wrappers take arrays, because a span cannot pass through #expect and #require.
  // Safe (each): bytes and plain numbers have no padding.

  private func floats(_ dtype: DType, _ bytes: [UInt8], from start: Int = 0) -> [Float]? {
    var values = [Float](repeating: .nan, count: (bytes.count - start) * 8 / dtype.bitWidth)
    var output = values.mutableSpan
    let done = unsafe dtype.convert(bytes.span.extracting(start...).bytes, to: &output)
    return done ? values : nil
  }

  private func store(_ dtype: DType, _ values: [Float]) -> [UInt8]? { dtype.store(values.span) }

  private func firstNonFinite(_ dtype: DType, _ bytes: [UInt8]) -> Int? {
    unsafe dtype.firstNonFinite(in: bytes.span.bytes)
  }

  @Test("any count and any misalignment", arguments: [DType.f32, .f16, .bf16])
  func misaligned(dtype: DType) throws {
    for count in 0..<70 {
      let values = (0..<count).map { Float($0) - 20 }
      let stored = try #require(store(dtype, values))
      for shift in 0..<4 {
        let padded = [UInt8](repeating: 0xAA, count: shift) + stored
        #expect(floats(dtype, padded, from: shift) == values)
      }
    }
  }

  @Test("the first value that is not finite is found wherever it lies")
  func nonFinite() throws {
    let patterns: [(DType, [UInt64])] = [
      (.f16, [0x7C00, 0xFC00, 0x7C01, 0xFFFF]), (.bf16, [0x7F80, 0xFF80, 0x7FC0, 0xFFFF]),
      (.f32, [0x7F80_0000, 0xFF80_0000, 0x7FC0_0000]),
      (.f64, [0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000, 0x7FF8_0000_0000_0000]),
    ]
    for (dtype, bad) in patterns {
      let width = dtype.bitWidth / 8
      // What float32 cannot hold is not finite either.
      let finite = dtype == .f64 ? Double(Float.greatestFiniteMagnitude).bitPattern : bad[0] - 1
      for count in [0, 1, 2, 1023, 1024, 1025, 3000] {
        let clean = (0..<count).flatMap { _ in bytes([finite]).prefix(width) }
        #expect(firstNonFinite(dtype, clean) == nil)
        for index in Set([0, 1, count / 2, 1023, 1024, count - 1]) where 0..<count ~= index {
          for pattern in bad {
            var spoiled = clean
            spoiled.replaceSubrange(
              index * width..<(index + 1) * width, with: bytes([pattern]).prefix(width))
            #expect(firstNonFinite(dtype, spoiled) == index)
          }
        }
      }
    }
  }

  @Test("64-bit floats are rounded to the nearest, at any address")
  func doubles() throws {
    let values: [Double] = [0.1, -1 - 0x1p-30, 1e300, 0]
    let stored = [0xAA] + bytes(values.map(\.bitPattern))
    #expect(floats(.f64, stored, from: 1) == [0.1, -1, .infinity, 0])
    #expect(store(.f64, [1]) == nil)
  }

  @Test("types without arithmetic are refused, not guessed")
  func others() {
    let bytes = [UInt8](repeating: 0xFF, count: 8)
    for dtype in DType.allCases where !dtype.isComputable {
      #expect(floats(dtype, bytes) == nil)
      #expect(store(dtype, [1, 2]) == nil)
      #expect(firstNonFinite(dtype, bytes) == nil)
    }
  }
}
