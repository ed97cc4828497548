// Two digests side by side are the digests of each, however the bytes come.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("PairedSHA256")
struct PairedSHA256Tests {
  @Test(
    "whole blocks and pieces give the digest of the whole",
    arguments: [
      (0, 0), (1, 64), (55, 56), (63, 65), (64, 64), (119, 120), (128, 4096), (5000, 777),
    ])
  func pieces(_ first: Int, _ second: Int) {
    var forge = FileForge(seed: UInt64(first * 8192 + second))
    let (a, b) = (forge.bytes(first), forge.bytes(second))
    for piece in [7, 64, 192, 10_000] {
      var lanes = PairedSHA256()
      var done = 0
      while done < max(first, second) {
        let x = min(done, first)..<min(done + piece, first)
        let y = min(done, second)..<min(done + piece, second)
        if x.count == y.count {
          lanes.updateBoth(a.raw.extracting(x), b.raw.extracting(y))
        } else {
          lanes.update(0, a.raw.extracting(x))
          lanes.update(1, b.raw.extracting(y))
        }
        done += piece
      }
      #expect(hexadecimal(lanes.finalize(0)) == ContentDigest.of(a))
      #expect(hexadecimal(lanes.finalize(1)) == ContentDigest.of(b))
      #expect(hexadecimal(lanes.finalize(1)) == ContentDigest.of([]), "a lane starts anew")
    }
  }
}
