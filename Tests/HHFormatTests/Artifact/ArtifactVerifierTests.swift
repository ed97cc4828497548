import HHTestSupport
import Testing

@testable import HHFormat

@Suite("ArtifactVerifier")
struct ArtifactVerifierTests {
  private let folder: TemporaryDirectory
  private let path: String
  private let bytes: [UInt8]

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("a.zst")
    try ArtifactSamples.write(to: path)
    bytes = try ArtifactSamples.content(of: path)
  }

  @Test("a sound artifact passes, and the report counts what it holds")
  func sound() throws {
    let report = try ArtifactVerifier.verify(at: path, threads: 2)
    let tensors = ArtifactSamples.tensors()
    #expect(report.tensors == tensors.count)
    #expect(report.bytes == bytes.count)
    var rawBytes = 0
    for tensor in tensors { rawBytes += try ArtifactSamples.bytes(of: tensor).count }
    #expect(report.rawBytes == rawBytes)
  }

  @Test("a flipped bit is found wherever it is, and placed")
  func flippedBits() throws {
    // A few tensors are enough here, and each flip costs a whole verification.
    try ArtifactSamples.write(
      to: path, replacing: true, tensors: ArtifactSamples.fewTensors(), files: ArtifactSamples.files
    )
    let bytes = try ArtifactSamples.content(of: path)
    let table = try ArtifactReader(at: path).table
    var forge = FileForge(seed: 9)
    // Every bit of the first frames' starts and of the end, and a sample of the rest.
    var positions = Set(bytes.count - 60..<bytes.count)
    for frame in 0..<8 { positions.formUnion(table.range(of: frame).prefix(24)) }
    positions.formUnion(table.range(of: table.entries.count - 1).prefix(24))
    positions.formUnion(table.compressedSize..<table.compressedSize + 48)
    for _ in 0..<200 { positions.insert(forge.next(below: bytes.count)) }
    for position in positions.sorted() {
      var damaged = bytes
      damaged[position] ^= 1 << UInt8(forge.next(below: 8))
      try folder.write(damaged, to: "damaged.zst")
      let error = #expect(throws: FormatError.self, "byte \(position)") {
        try ArtifactVerifier.verify(at: folder.path("damaged.zst"))
      }
      let place = try #require(error?.place)
      #expect(place == expectedPlace(of: position), "byte \(position): \(error?.description ?? "")")
    }
  }

  @Test("several damaged tensors are all named")
  func severalDamaged() throws {
    let reader = try ArtifactReader(at: path)
    var damaged = bytes
    for name in ["F32 [7, 101]", "U8 [3]"] {
      let index = try reader.index(of: name)
      damaged[reader.table.range(of: reader.frames[index].first).upperBound - 5] ^= 1
    }
    try folder.write(damaged, to: "damaged.zst")
    let error = #expect(throws: FormatError.self) {
      try ArtifactVerifier.verify(at: folder.path("damaged.zst"))
    }
    #expect(error?.hint == "2 places are damaged: tensor 'U8 [3]', tensor 'F32 [7, 101]'")
  }

  @Test("every prefix is refused")
  func prefixes() throws {
    try ArtifactSamples.write(to: path, replacing: true, tensors: ArtifactSamples.fewTensors())
    let bytes = try ArtifactSamples.content(of: path)
    // Every length at both ends, a stride between: nothing there differs in kind.
    let ends = Array(0..<200) + Array(bytes.count - 200..<bytes.count)
    for length in ends + Array(stride(from: 200, to: bytes.count - 200, by: 17)) {
      try folder.write(Array(bytes.prefix(length)), to: "cut.zst")
      #expect(throws: FormatError.self, "\(length) bytes") {
        try ArtifactReader(at: folder.path("cut.zst"))
      }
    }
  }

  @Test("bytes after the end are refused")
  func trailing() throws {
    try folder.write(bytes + [0], to: "long.zst")
    #expect(throws: FormatError.self) { try ArtifactReader(at: folder.path("long.zst")) }
  }

  /// Where the file's own layout puts a byte.
  private func expectedPlace(of position: Int) -> String {
    do {
      let reader = try ArtifactReader(at: path)
      let frames = reader.table.entries.indices
      guard let frame = frames.first(where: { reader.table.range(of: $0).contains(position) })
      else {
        return "seek table"
      }
      if frame == 0 { return "header" }
      if frame == reader.digestFrame { return "frame digests" }
      let index = reader.frames.firstIndex { $0.first <= frame && frame < $0.end }
      return index.map { "tensor \(quoted(reader.tensors[$0].name))" } ?? "nowhere"
    } catch {
      return "\(error)"
    }
  }
}
