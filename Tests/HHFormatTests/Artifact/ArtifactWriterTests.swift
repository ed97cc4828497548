import HHTestSupport
import Synchronization
import Testing

@testable import HHFormat

@Suite("ArtifactWriter")
struct ArtifactWriterTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test(
    "every type and shape comes back bit for bit", arguments: [TensorLayout.planes, .interleaved])
  func roundTrip(layout: TensorLayout) throws {
    let path = folder.path("a.zst")
    let tensors = ArtifactSamples.tensors()
    let summary = try ArtifactSamples.write(to: path, layout: layout, threads: 2)
    let reader = try ArtifactReader(at: path)
    #expect(reader.manifest.description == ArtifactSamples.description)
    #expect(reader.manifest.version == .current)
    #expect(reader.byteCount == summary.bytes)
    #expect(reader.tensors.map(\.name) == tensors.map(\.name))
    var rawBytes = 0
    for (tensor, entry) in zip(tensors, reader.tensors) {
      let expected = try ArtifactSamples.bytes(of: tensor)
      #expect(entry.dtype == tensor.dtype)
      #expect(entry.shape == tensor.shape)
      #expect(entry.origin == tensor.origin)
      #expect(entry.layout == (tensor.dtype.isComputable ? layout : .interleaved))
      #expect(entry.sha256 == ContentDigest.of(expected))
      #expect(try reader.read(tensor.name) == expected, "\(tensor.name)")
      rawBytes += expected.count
    }
    #expect(summary.rawBytes == rawBytes)
  }

  @Test("the bytes do not depend on the number of threads", arguments: [2, 3, 8])
  func determinism(threads: Int) throws {
    let one = folder.path("one.zst")
    let many = folder.path("many.zst")
    try ArtifactSamples.write(to: one, threads: 1)
    try ArtifactSamples.write(to: many, threads: threads)
    #expect(try ContentDigest.ofFile(at: one) == ContentDigest.ofFile(at: many))
  }

  @Test("digests of sources reach the description, on any number of threads", arguments: [1, 4])
  func sources(threads: Int) throws {
    let source = try MappedFile(
      at: folder.write([UInt8](repeating: 7, count: 3_000_000), to: "source"))
    let path = folder.path("a.zst")
    _ = try ArtifactWriter.write(
      to: path, sources: [source], tensors: ArtifactSamples.tensors(),
      options: ArtifactOptions(threads: threads, frameSize: 1024)
    ) { digests in
      var description = ArtifactSamples.description
      description.provenance = Provenance(
        sources: digests.map { .init(name: "source", bytes: source.count, sha256: $0) },
        recipe: [:], seed: 0)
      return description
    }
    let found = try ArtifactReader(at: path).manifest.description.provenance.sources
    #expect(found.map(\.sha256) == [ContentDigest.of(source.bytes)])
    _ = try ArtifactVerifier.verify(at: path)
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

  @Test("an existing output is refused unless it is to be replaced")
  func existingOutput() throws {
    let path = try folder.write("precious", to: "a.zst")
    let error = #expect(throws: FormatError.self) { try ArtifactSamples.write(to: path) }
    #expect(error?.kind == .cannotCreate)
    #expect(error?.hint?.contains("--force") == true)
    #expect(try directoryEntries(of: folder.path) == ["a.zst"])
    #expect(try MappedFile(at: path).count == 8)
    try ArtifactSamples.write(to: path, replacing: true)
    _ = try ArtifactVerifier.verify(at: path)
    #expect(try directoryEntries(of: folder.path) == ["a.zst"])
  }

  @Test("two tensors of one name are refused")
  func duplicateName() throws {
    let tensor = ArtifactTensor(name: "w", shape: [1], origin: .new, floats: [1])
    let error = #expect(throws: FormatError.self) {
      try ArtifactSamples.write(to: folder.path("a.zst"), tensors: [tensor, tensor])
    }
    #expect(error?.place == "tensor 'w'")
    #expect(try directoryEntries(of: folder.path).isEmpty)
  }

  @Test("bytes that do not fill the shape are refused")
  func wrongSize() throws {
    let tensor = ArtifactTensor(name: "w", shape: [3], origin: .new, floats: [1, 2])
    let error = #expect(throws: FormatError.self) {
      try ArtifactSamples.write(to: folder.path("a.zst"), tensors: [tensor])
    }
    #expect(error?.problem == "F32 [3]: expected 12 bytes, found 8")
    #expect(try directoryEntries(of: folder.path).isEmpty)
  }

  @Test("an artifact without tensors is an artifact")
  func noTensors() throws {
    let path = folder.path("a.zst")
    try ArtifactSamples.write(to: path, tensors: [])
    #expect(try ArtifactVerifier.verify(at: path).tensors == 0)
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

  @Test("absolute paths do not get into the provenance")
  func absolutePath() throws {
    var description = ArtifactSamples.description
    description.provenance = Provenance(
      sources: [
        .init(name: "/home/me/model.safetensors", bytes: 1, sha256: ContentDigest.of([]))
      ],
      recipe: [:], seed: 0)
    #expect(throws: FormatError.self) {
      try ArtifactWriter.write(to: folder.path("a.zst"), description: description, tensors: [])
    }
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
