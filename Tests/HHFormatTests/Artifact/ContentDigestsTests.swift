// Every digest is its own, whatever is digested beside it.

import HHTestSupport
import Synchronization
import Testing

@testable import HHFormat

@Suite("ContentDigests")
struct ContentDigestsTests {
  private static let sizes = [0, 1, 64, 3_000_001, 100, 0, 1 << 20, 2_500_000, 63]

  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Tensors of many sizes that begin with different bytes.
  private func tensors(check: ArtifactTensor.Check? = nil) -> [ArtifactTensor] {
    var forge = FileForge(seed: 3)
    let block = forge.bytes(4099)
    return Self.sizes.enumerated().map { index, size in
      // Appended block by block: byte by byte takes seconds without optimisation.
      let rotated = Array(block[index...] + block[..<index])
      var bytes: [UInt8] = []
      while bytes.count < size { bytes += rotated }
      bytes.removeLast(bytes.count - size)
      return ArtifactTensor(
        name: "\(index)", dtype: .u8, shape: [size], origin: .kept, byteCount: size, check: check
      ) { [bytes] (range, body) throws(FormatError) in try body(bytes.raw.extracting(range)) }
    }
  }

  /// Runs so many digesters in turn until there is nothing left.
  private func run(_ digests: ContentDigests, digesters count: Int) throws {
    let digesters = (0..<count).map { _ in Digester(digests) }
    var isBusy = true
    while isBusy {
      isBusy = false
      for digester in digesters where try digester.advance() { isBusy = true }
    }
  }

  @Test(
    "tensors and files of any sizes by any number of digesters", arguments: [0, 1, 3], [1, 2, 5])
  func digests(files count: Int, digesters: Int) throws {
    let tensors = tensors()
    let contents = (0..<count).map { [UInt8](repeating: UInt8($0), count: 2_000_003 * $0) }
    let files = try contents.enumerated().map { index, content in
      try MappedFile(at: folder.write(content, to: "\(index)"))
    }
    let digests = ContentDigests(
      files: files.map { DigestedBytes($0) }, tensors: tensors.map { DigestedBytes($0) })
    try run(digests, digesters: digesters)
    let expected = try tensors.map { ContentDigest.of(try ArtifactSamples.bytes(of: $0)) }
    #expect(digests.results.tensors == expected)
    #expect(digests.results.files == contents.map { ContentDigest.of($0) })
  }

  @Test("a limit holds the tensors back, and no more than that")
  func limit() throws {
    let tensors = tensors()
    let digests = ContentDigests(tensors: tensors.map { DigestedBytes($0) })
    let digester = Digester(digests)
    while try digester.advance(limit: 2_000_000) {}
    let found = digests.results.tensors
    #expect(!found[2].isEmpty && found[3].isEmpty)
    while try digester.advance() {}
    #expect(!digests.results.tensors.contains(""))
  }

  @Test("a check sees every byte once, in whole words")
  func check() throws {
    let seen = Mutex<[Range<Int>]>([])
    let tensors = tensors { (offset, bytes) throws(FormatError) in
      seen.withLock { $0.append(offset..<offset + bytes.byteCount) }
    }
    let digests = ContentDigests(tensors: tensors.map { DigestedBytes($0) })
    try run(digests, digesters: 1)
    let ranges = seen.withLock { $0 }
    #expect(ranges.reduce(0) { $0 + $1.count } == Self.sizes.reduce(0, +))
    #expect(ranges.allSatisfy { $0.lowerBound.isMultiple(of: 64) })
  }

  @Test("an error of one tensor, or of its check, is thrown on", arguments: [true, false])
  func failure(ofCheck: Bool) {
    let problem = FormatError(.io, file: "f", problem: "gone")
    let tensors = (0..<6).map { index in
      ArtifactTensor(
        name: "\(index)", dtype: .u8, shape: [9], origin: .kept, byteCount: 9,
        check: { (_, _) throws(FormatError) in if ofCheck, index == 4 { throw problem } }
      ) { (range, body) throws(FormatError) in
        if !ofCheck, index == 4 { throw problem }
        try body([UInt8](repeating: 1, count: range.count).raw)
      }
    }
    #expect(throws: problem) {
      try run(ContentDigests(tensors: tensors.map { DigestedBytes($0) }), digesters: 2)
    }
  }
}
