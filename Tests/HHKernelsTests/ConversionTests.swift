// Conversions against Swift's own Float16 and the definition of bfloat16, and scans of bits.

import HHFormat
import HHKernels
import HHTestSupport
import Testing

@Suite("Conversion kernels")
struct ConversionTests {
  private static let allHalves = (0...UInt16.max).map { $0 }

  /// The elements' bytes, little-endian, behind `shift` others.
  private func bytes<Element: FixedWidthInteger>(_ elements: [Element], shift: Int = 0) -> [UInt8] {
    [UInt8](repeating: 0xAA, count: shift)
      + elements.flatMap { element in
        (0..<(Element.bitWidth / 8)).map { UInt8(truncatingIfNeeded: element >> ($0 * 8)) }
      }
  }

  /// The 16-bit patterns as float32, read from an address with remainder `shift`.
  private func widen(_ halves: [UInt16], isBF16: Bool, shift: Int = 0) -> [Float] {
    var values = [Float](repeating: .nan, count: halves.count)
    let source = bytes(halves, shift: shift)
    values.change {
      if isBF16 {
        convertBF16(source.raw.extracting(shift...), to: &$0)
      } else {
        convertF16(source.raw.extracting(shift...), to: &$0)
      }
    }
    return values
  }

  private func narrow(_ values: [Float], isBF16: Bool) -> [UInt16] {
    var halves = [UInt16](repeating: 0, count: values.count)
    var output = halves.mutableSpan
    if isBF16 {
      convertToBF16(values.span, to: &output)
    } else {
      convertToF16(values.span, to: &output)
    }
    return halves
  }

  @Test("every float16 becomes the float Swift makes of it; NaN stays NaN with its sign")
  func everyHalf() {
    for (pattern, value) in zip(Self.allHalves, widen(Self.allHalves, isBF16: false)) {
      let expected = Float(Float16(bitPattern: pattern))
      if expected.isNaN {
        #expect(value.isNaN && value.sign == expected.sign)
      } else if value.bitPattern != expected.bitPattern {
        Issue.record("float16 \(pattern): expected \(expected), found \(value)")
      }
    }
  }

  @Test("every bfloat16 becomes the float with the same upper half")
  func everyBrainFloat() {
    let values = widen(Self.allHalves, isBF16: true)
    #expect(values.map(\.bitPattern) == Self.allHalves.map { UInt32($0) << 16 })
  }

  @Test("any count at any address is converted alike, and back", arguments: counts, [false, true])
  func everyCount(count: Int, isBF16: Bool) {
    let values = (0..<count).map { Float($0) - 20 }
    let halves = narrow(values, isBF16: isBF16)
    for shift in 0..<4 { #expect(widen(halves, isBF16: isBF16, shift: shift) == values) }
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
  func toHalf() {
    let values = Self.patterns.map { Float(bitPattern: $0) }
    for (value, found) in zip(values, narrow(values, isBF16: false)) {
      let expected = Float16(value)
      if value.isNaN {
        #expect(Float16(bitPattern: found).isNaN)
      } else if found != expected.bitPattern {
        Issue.record("\(value): expected \(expected.bitPattern), found \(found)")
      }
    }
  }

  @Test("float32 to bfloat16 rounds to nearest, ties to even")
  func toBrainFloat() {
    let values = Self.patterns.map { Float(bitPattern: $0) }
    for (value, found) in zip(values, narrow(values, isBF16: true)) {
      let upper = value.bitPattern >> 16
      let lower = value.bitPattern & 0xFFFF
      let roundsUp = lower > 0x8000 || (lower == 0x8000 && upper & 1 == 1)
      if value.isNaN {
        #expect(Float(bitPattern: UInt32(found) << 16).isNaN)
      } else if UInt32(found) != upper + (roundsUp ? 1 : 0) {
        Issue.record("\(value): found \(found), upper half \(upper)")
      }
    }
  }

  @Test("bfloat16 in the halves of floats begins where it is told to", arguments: counts)
  func halves(count: Int) {
    let values = (0..<count).map { Float($0) - 20 }
    let expected = narrow(values, isBF16: true)
    for start in 0..<3 {
      var output = [Float](repeating: 0, count: (count + start + 2) / 2)
      output.change { convertToBF16(values.span, toHalvesOf: &$0, from: start) }
      let halves = output.flatMap { value in
        [UInt16(truncatingIfNeeded: value.bitPattern), UInt16(value.bitPattern >> 16)]
      }
      #expect(Array(halves.dropFirst(start).prefix(count)) == expected)
      #expect(halves.prefix(start).allSatisfy { $0 == 0 })
      #expect(halves.dropFirst(start + count).allSatisfy { $0 == 0 })
    }
  }

  @Test("the first element with all bits of a mask is found wherever it lies", arguments: counts)
  func scans(count: Int) {
    for shift in [0, 1] {
      for index in 0...count {
        // The element behind the first one has the bits too; one in front has all but one of them.
        func elements<Element: FixedWidthInteger>(_ mask: Element) -> [UInt8] {
          bytes((0..<count).map { $0 < index ? mask & (mask - 1) : mask | 1 }, shift: shift)
        }
        let expected = index < count ? index : nil
        let (half, single) = (elements(UInt16(0x7C00)), elements(UInt32(0x7F80_0000)))
        #expect(
          firstElement(in: half.raw.extracting(shift...), withAllBitsOf: UInt16(0x7C00)) == expected
        )
        #expect(
          firstElement(in: single.raw.extracting(shift...), withAllBitsOf: UInt32(0x7F80_0000))
            == expected)
      }
    }
  }

  @Test("counts that differ and halves beyond the end stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) {
      var output: [Float] = [0]
      output.change { convertF16([0, 0, 0, 0].raw, to: &$0) }
    }
    await #expect(processExitsWith: .failure) {
      var output: [UInt16] = [0]
      var span = output.mutableSpan
      convertToBF16([1, 2].span, to: &span)
    }
    await #expect(processExitsWith: .failure) {
      var output: [Float] = [0]
      output.change { convertToBF16([1, 2].span, toHalvesOf: &$0, from: 1) }
    }
  }
}
