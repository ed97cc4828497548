// The plane kernels against plain arithmetic, for every count that vector code treats differently.

import HHFormat
import HHKernels
import HHTestSupport
import Testing

@Suite("Byte planes")
struct BytePlanesTests {
  /// Past twice the widest vector, with every remainder.
  private static let counts = Array(0...140)

  /// Byte `plane` of a word rotated left by one bit, by the definition.
  private func plane(_ plane: Int, of words: [UInt8], width: Int) -> [UInt8] {
    stride(from: 0, to: words.count, by: width).map { start in
      var word: UInt64 = 0
      for index in (0..<width).reversed() { word = word << 8 | UInt64(words[start + index]) }
      let rotated = word << 1 | word >> UInt64(8 * width - 1)
      return UInt8(truncatingIfNeeded: rotated >> UInt64(8 * plane))
    }
  }

  @Test("planes hold the bytes of the rotated words, and join again", arguments: [2, 4])
  func splitAndJoin(width: Int) {
    var forge = FileForge(seed: UInt64(width))
    for count in Self.counts {
      // One byte in front puts the words at an odd address.
      let padded = forge.bytes(1 + count * width)
      let words = Array(padded.dropFirst())
      var planes: [UInt8] = []
      for index in 0..<width {
        var output = [UInt8](repeating: 0, count: count)
        var target = output.mutableSpan
        extractPlane(
          index, of: padded.raw.extracting(1..<padded.count), width: width, to: &target)
        #expect(output == plane(index, of: words, width: width), "\(count) words, plane \(index)")
        planes += output
      }
      var joined = [UInt8](repeating: 0, count: 1 + count * width)
      var all = joined.mutableSpan
      var target = all._mutatingExtracting(1..<1 + count * width)
      joinPlanes(planes.raw, width: width, to: &target)
      #expect(Array(joined.dropFirst()) == words, "\(count) words")
      #expect(joined[0] == 0)
    }
  }

  @Test("the last plane of a float32 or bfloat16 is its whole exponent")
  func exponent() {
    // -1.5 is 1 01111111 1000…
    for (words, width) in [([0, 0, 0xC0, 0xBF] as [UInt8], 4), ([0xC0, 0xBF], 2)] {
      var output: [UInt8] = [0]
      var target = output.mutableSpan
      extractPlane(width - 1, of: words.raw, width: width, to: &target)
      #expect(output == [127])
    }
  }

  @Test("a width of three, a plane outside and part of a word stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) { extract(0, width: 3) }
    await #expect(processExitsWith: .failure) { extract(2, width: 2) }
    await #expect(processExitsWith: .failure) {
      var words = [UInt8](repeating: 0, count: 6)
      var target = words.mutableSpan
      joinPlanes([UInt8](repeating: 0, count: 6).raw, width: 4, to: &target)
    }
  }
}

/// Takes a plane of two words of zeros.
private func extract(_ plane: Int, width: Int) {
  var output: [UInt8] = [0, 0]
  var target = output.mutableSpan
  extractPlane(plane, of: [UInt8](repeating: 0, count: 2 * width).raw, width: width, to: &target)
}
