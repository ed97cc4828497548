import HHTestSupport
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
    #expect(reader.manifest.version == .withoutBlocks)
    #expect(reader.byteCount == summary.bytes)
    #expect(reader.tensors.map(\.name) == tensors.map(\.name))
    var rawBytes = 0
    for (tensor, entry) in zip(tensors, reader.tensors) {
      let expected = try ArtifactSamples.bytes(of: tensor)
      #expect(entry.dtype == tensor.dtype)
      #expect(entry.shape == tensor.shape)
      #expect(entry.origin == tensor.origin)
      #expect(entry.layout == (tensor.dtype.isStorable ? layout : .interleaved))
      #expect(entry.sha256 == ContentDigest.of(expected))
      #expect(try reader.read(tensor.name) == expected, "\(tensor.name)")
      rawBytes += expected.count
    }
    #expect(summary.rawBytes == rawBytes)
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

  @Test("an existing output is refused unless it is to be replaced")
  func existingOutput() throws {
    let path = try folder.write("precious", to: "a.zst")
    let error = #expect(throws: FormatError.self) { try ArtifactSamples.write(to: path) }
    #expect(error?.kind == .cannotCreate)
    #expect(error?.remedy?.settings == [.force])
    #expect(try directoryEntries(of: folder.path) == ["a.zst"])
    #expect(try MappedFile(at: path).count == 8)
    try ArtifactSamples.write(to: path, replacing: true)
    _ = try ArtifactVerifier.verify(at: path)
    #expect(try directoryEntries(of: folder.path) == ["a.zst"])
  }

  @Test("an artifact without tensors is an artifact")
  func noTensors() throws {
    let path = folder.path("a.zst")
    try ArtifactSamples.write(to: path, tensors: [])
    #expect(try ArtifactVerifier.verify(at: path).tensors == 0)
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
