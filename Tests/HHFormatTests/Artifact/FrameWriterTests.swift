// Frames are written alike on any number of threads, or not at all.

import HHTestSupport
import Synchronization
import Testing

@testable import HHFormat

@Suite("FrameWriter")
struct FrameWriterTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test("the bytes do not depend on the number of threads", arguments: [2, 3, 8])
  func determinism(threads: Int) throws {
    let one = folder.path("one.zst")
    let many = folder.path("many.zst")
    try ArtifactSamples.write(to: one, threads: 1)
    try ArtifactSamples.write(to: many, threads: threads)
    #expect(try ContentDigest.ofFile(at: one) == ContentDigest.ofFile(at: many))
  }

  @Test("what the check of a tensor throws leaves no file", arguments: [1, 4])
  func checks(threads: Int) throws {
    let problem = FormatError(.badData, file: "f", problem: "odd")
    let bytes = [UInt8](repeating: 1, count: 5_000_000)
    let odd = ArtifactTensor(
      name: "odd", dtype: .u8, shape: [bytes.count], origin: .kept, byteCount: bytes.count,
      check: { (offset, part) throws(FormatError) in
        if offset + part.byteCount == bytes.count { throw problem }
      }
    ) { (range, body) throws(FormatError) in try body(bytes.raw.extracting(range)) }
    #expect(throws: problem) {
      try ArtifactWriter.write(
        to: folder.path("a.zst"), description: ArtifactSamples.description,
        tensors: ArtifactSamples.tensors() + [odd], options: ArtifactOptions(threads: threads))
    }
    #expect(try directoryEntries(of: folder.path).isEmpty)
  }

  @Test("progress ends with everything, and an answer of false stops without a trace")
  func progress() throws {
    let counts = ProgressRecord()
    let tensors = ArtifactSamples.tensors()
    _ = try ArtifactWriter.write(
      to: folder.path("a.zst"), description: ArtifactSamples.description, tensors: tensors,
      options: ArtifactOptions { done, total in counts.append(done, total) })
    let all = counts.values
    #expect(all.last?.0 == all.last?.1)
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.0 <= $1.0 })
    #expect(throws: FormatError.self) {
      try ArtifactWriter.write(
        to: folder.path("b.zst"), description: ArtifactSamples.description, tensors: tensors,
        options: ArtifactOptions { _, _ in false })
    }
    #expect(try directoryEntries(of: folder.path) == ["a.zst"])
  }
}

/// What a progress callback was told.
private final class ProgressRecord: Sendable {
  private let record = Mutex<[(Int, Int)]>([])
  var values: [(Int, Int)] { record.withLock { $0 } }

  func append(_ done: Int, _ total: Int) -> Bool {
    record.withLock { $0.append((done, total)) }
    return true
  }
}
