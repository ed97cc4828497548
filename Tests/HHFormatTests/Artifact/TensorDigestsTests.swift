// Every tensor's digest is its own, whatever is digested beside it.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("TensorDigests")
struct TensorDigestsTests {
  @Test("tensors of any sizes on any number of threads", arguments: [1, 2, 5])
  func digests(threads: Int) throws {
    var forge = FileForge(seed: 3)
    let block = forge.bytes(4099)
    let sizes = [0, 1, 64, 3_000_001, 100, 0, 1 << 20, 2_500_000, 63]
    let tensors = sizes.enumerated().map { index, size in
      ArtifactTensor(
        name: "\(index)", dtype: .u8, shape: [size], origin: .kept,
        bytes: (0..<size).map { block[($0 + index) % block.count] })
    }
    let expected = try tensors.map { ContentDigest.of(try ArtifactSamples.bytes(of: $0)) }
    #expect(try TensorDigests.of(tensors, threads: threads) == expected)
  }

  @Test("an error of one tensor is the error of all", arguments: [1, 3])
  func failure(threads: Int) {
    let problem = FormatError(.io, file: "f", problem: "gone")
    let tensors = (0..<6).map { index in
      ArtifactTensor(name: "\(index)", dtype: .u8, shape: [9], origin: .kept, byteCount: 9) {
        (range, body) throws(FormatError) in
        if index == 4 { throw problem }
        try body([UInt8](repeating: 1, count: range.count).raw)
      }
    }
    #expect(throws: problem) { try TensorDigests.of(tensors, threads: threads) }
  }
}
