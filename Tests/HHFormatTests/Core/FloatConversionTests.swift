// Conversions are compared with Swift's own Float16 and with the definition of bfloat16.

import HHFormat
import Testing

@Suite("FloatConversion")
struct FloatConversionTests {
  private static let allHalves = (0...UInt16.max).map { $0 }

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

  @Test("every float16 becomes the float Swift makes of it; NaN stays NaN with its sign")
  func everyHalf() throws {
    let values = try #require(floats(.f16, bytes(Self.allHalves)))
    for (pattern, value) in zip(Self.allHalves, values) {
      let expected = Float(Float16(bitPattern: pattern))
      if expected.isNaN {
        #expect(value.isNaN && value.sign == expected.sign)
      } else if value.bitPattern != expected.bitPattern {
        Issue.record("float16 \(pattern): expected \(expected), found \(value)")
      }
    }
  }

  @Test("every bfloat16 becomes the float with the same upper half")
  func everyBrainFloat() throws {
    let values = try #require(floats(.bf16, bytes(Self.allHalves)))
    #expect(values.map(\.bitPattern) == Self.allHalves.map { UInt32($0) << 16 })
  }

  /// Float bit patterns around everything that rounding can get wrong, and a spread of others.
  private static let patterns: [UInt32] = {
    var patterns: [UInt32] = []
    for half in stride(from: UInt32(0), through: 0xFFFF, by: 7) {
      let exact = Float(Float16(bitPattern: UInt16(half))).bitPattern
      for offset: UInt32 in [0, 1, 0xFFF, 0x1000, 0x1001, 0x1FFF] {
        patterns.append(exact &+ offset)
      }
      for low: UInt32 in [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF] {
        patterns.append(half << 16 | low)
      }
    }
    var state: UInt32 = 1
    for _ in 0..<50_000 {
      state = state &* 1_664_525 &+ 1_013_904_223
      patterns.append(state)
    }
    return patterns
  }()

  @Test("float32 to float16 rounds to nearest, ties to even, like Swift's Float16")
  func toHalf() throws {
    let values = Self.patterns.map { Float(bitPattern: $0) }
    let stored = try #require(store(.f16, values))
    for (index, value) in values.enumerated() {
      let found = UInt16(stored[2 * index]) | UInt16(stored[2 * index + 1]) << 8
      let expected = Float16(value)
      if value.isNaN {
        #expect(Float16(bitPattern: found).isNaN)
      } else if found != expected.bitPattern {
        Issue.record("\(value): expected \(expected.bitPattern), found \(found)")
      }
    }
  }

  @Test("float32 to bfloat16 rounds to nearest, ties to even")
  func toBrainFloat() throws {
    let values = Self.patterns.map { Float(bitPattern: $0) }
    let stored = try #require(store(.bf16, values))
    for (index, value) in values.enumerated() {
      let found = UInt32(stored[2 * index]) | UInt32(stored[2 * index + 1]) << 8
      let upper = value.bitPattern >> 16
      let lower = value.bitPattern & 0xFFFF
      let roundsUp = lower > 0x8000 || (lower == 0x8000 && upper & 1 == 1)
      if value.isNaN {
        #expect(Float(bitPattern: found << 16).isNaN)
      } else if found != upper + (roundsUp ? 1 : 0) {
        Issue.record("\(value): found \(found), upper half \(upper)")
      }
    }
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
      let finite = bad[0] - 1
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

  @Test("types without arithmetic are refused, not guessed")
  func others() {
    let bytes = [UInt8](repeating: 0xFF, count: 8)
    for dtype in DType.allCases where !dtype.isComputable {
      #expect(floats(dtype, bytes) == nil)
      #expect(store(dtype, [1, 2]) == nil)
      if dtype != .f64 { #expect(firstNonFinite(dtype, bytes) == nil) }
    }
  }
}
