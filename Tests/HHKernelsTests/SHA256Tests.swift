// SHA-256 block by block against the digest of the whole message.

import HHFormat
import HHKernels
import HHTestSupport
import Testing

@Suite(
  "SHA-256 kernel", .enabled(if: hasSHA256Instructions, "the processor has no SHA instructions"))
struct SHA256Tests {
  /// The state before the first block (FIPS 180-4, section 5.3.3).
  private static let start: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
    0x5be0_cd19,
  ]

  /// A message as whole blocks (FIPS 180-4, section 5.1.1), behind one odd byte.
  private func blocks(_ message: [UInt8]) -> [UInt8] {
    let zeros = (119 - message.count % 64) % 64
    let length = UInt64(8 * message.count)
    return [0xFF] + message + [0x80] + [UInt8](repeating: 0, count: zeros)
      + (0..<8).reversed().map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) }
  }

  private func digest(_ state: [UInt32]) -> String {
    state.map { word in
      let hexadecimal = String(word, radix: 16)
      return String(repeating: "0", count: 8 - hexadecimal.count) + hexadecimal
    }
    .joined()
  }

  @Test("a message's state is its digest", arguments: [0, 1, 55, 56, 63, 64, 119, 120, 1000])
  func single(count: Int) {
    var forge = FileForge(seed: UInt64(count))
    let message = forge.bytes(count)
    var state = Self.start
    let all = blocks(message)
    sha256Blocks(&state, all.raw.extracting(1...))
    #expect(digest(state) == ContentDigest.of(message))
  }

  @Test("two messages side by side give what each gives alone", arguments: [0, 55, 64, 640])
  func pairs(count: Int) {
    var forge = FileForge(seed: UInt64(count))
    let messages = [forge.bytes(count), forge.bytes(count)]
    let (a, b) = (blocks(messages[0]), blocks(messages[1]))
    var (first, second) = (Self.start, Self.start)
    sha256BlockPairs(&first, a.raw.extracting(1...), &second, b.raw.extracting(1...))
    #expect(digest(first) == ContentDigest.of(messages[0]))
    #expect(digest(second) == ContentDigest.of(messages[1]))
  }

  @Test("no block leaves the state, part of one stops the program")
  func edges() async {
    var (first, second) = (Self.start, Self.start)
    sha256Blocks(&first, [UInt8]().raw)
    sha256BlockPairs(&first, [UInt8]().raw, &second, [UInt8]().raw)
    #expect(first == Self.start && second == Self.start)
    await #expect(processExitsWith: .failure) {
      var state = [UInt32](repeating: 0, count: 8)
      sha256Blocks(&state, [UInt8](repeating: 0, count: 65).raw)
    }
    await #expect(processExitsWith: .failure) {
      var (first, second) = ([UInt32](repeating: 0, count: 8), [UInt32](repeating: 0, count: 8))
      let (one, two) = ([UInt8](repeating: 0, count: 64), [UInt8](repeating: 0, count: 128))
      sha256BlockPairs(&first, one.raw, &second, two.raw)
    }
  }
}
