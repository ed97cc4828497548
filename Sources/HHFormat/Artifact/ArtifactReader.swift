// Reading an artifact: opened and validated at once, tensors decompressed one by one on demand.

internal import Synchronization

/// An open artifact.
///
/// Opening checks the seek table, the header and the manifest, and that all three agree; a tensor's
/// frames are checked when they are read. Reading is safe from several threads at a time.
///
/// What `zstd -d` makes of an artifact is read too: it has no frames, so a tensor's SHA-256 is
/// checked before it is read for the first time.
package final class ArtifactReader: Sendable {
  /// What the artifact says of itself.
  package let manifest: ArtifactManifest
  /// The path as given.
  package let path: String
  /// Bytes of the artifact.
  package var byteCount: Int { file.count }

  let file: MappedFile
  /// The frames of the file; empty where it is decompressed.
  let table: SeekTable
  /// Where the bytes of each tensor begin in a decompressed file; nil in a compressed one.
  let plainStarts: [Int]?
  /// The tensors of a decompressed file whose digests were found right.
  let checked = Mutex<Set<Int>>([])
  /// The frames of each tensor, in the manifest's order.
  let frames: [TensorFrames]
  /// Index of the frame of digests, which is the last.
  let digestFrame: Int
  private let indices: [ByteKey: Int]

  /// Whether the file is one that `zstd -d` made: a safetensors file, without frames and digests of
  /// them.
  package var isDecompressed: Bool { plainStarts != nil }

  /// Opens an artifact.
  ///
  /// Throws `.missingInput` where the file cannot be opened, `.badData` where it is no whole
  /// artifact, `.unsupported` where a newer program wrote it or it unpacks to more than `limit`.
  package init(
    at path: String, limit: UnpackingLimit = .chosen
  ) throws(FormatError) {
    let file = try MappedFile(at: path)
    if let plain = try Self.decompressed(file) {
      (manifest, frames, plainStarts) = (plain.manifest, plain.frames, plain.starts)
      (table, digestFrame) = (SeekTable(), 0)
    } else {
      (manifest, table) = try Self.compressed(file, limit)
      frames = try Self.frames(of: manifest, table, path: path)
      digestFrame = table.entries.count - 1
      plainStarts = nil
    }
    self.path = path
    self.file = file
    var indices: [ByteKey: Int] = [:]
    for (index, tensor) in manifest.tensors.enumerated() { indices[ByteKey(tensor.name)] = index }
    self.indices = indices
  }

  private static func compressed(
    _ file: MappedFile, _ limit: UnpackingLimit
  ) throws(FormatError) -> (ArtifactManifest, SeekTable) {
    let table = try naming(file.path, "seek table") { () throws(ZstdError) in
      try SeekTable(parsing: file.bytes)
    }
    let header = try Self.header(of: file, table)
    let dataCount = table.entries.dropFirst().reduce(0) { $0 + $1.contentSize }
    try limit.check(content: dataCount, ofFile: file.count, file: file.path)
    do throws(FormatError) {
      return (try ArtifactHeader.parse(header, dataCount: dataCount, file: file.path), table)
    } catch {
      // The header is measured by the table: where the table is wrong, that is the thing to say.
      try Self.checkContentSizes(of: file, table)
      throw error
    }
  }

  /// Whether a file is an artifact: it begins as a zstd stream does, which no other checkpoint does,
  /// or is a safetensors file with a manifest.
  package static func isArtifact(_ path: String) throws(FormatError) -> Bool {
    let file = try MappedFile(at: path)
    return isCompressed(file) || plainHeader(of: file) != nil
  }

  static func isCompressed(_ file: MappedFile) -> Bool {
    file.bytes.extracting(first: 4).copied() == [0x28, 0xB5, 0x2F, 0xFD]
  }

  /// The tensors in the order of the file.
  package var tensors: [ArtifactManifest.Tensor] { manifest.tensors }

  /// A tensor by name, or nil.
  package func tensor(named name: String) -> ArtifactManifest.Tensor? {
    indices[ByteKey(name)].map { manifest.tensors[$0] }
  }

  private static func header(
    of file: MappedFile, _ table: SeekTable
  ) throws(FormatError) -> [UInt8] {
    // A header holds digests, which do not compress. One that shrank to a small part of itself is
    // made to fill memory when it is parsed.
    let compressed = table.entries.first?.compressedSize ?? 0
    let maximum = min(SafetensorsHeader.maximumLength + 8, (1 << 20) + 64 * compressed)
    guard let entry = table.entries.first, entry.contentSize <= maximum else {
      throw FormatError(
        .badData, file: file.path, place: "seek table",
        problem: "expected a first frame of at most \(maximum) bytes for the header, found "
          + "\(table.entries.first?.contentSize ?? 0)")
    }
    let frame = file.bytes.extracting(table.range(of: 0))
    do throws(FormatError) {
      return try naming(file.path, "header") { () throws(ZstdError) in
        try FrameDecompressor().decompress(frame, byteCount: entry.contentSize)
      }
    } catch {
      // Where the frame is sound by its digest, it was measured wrongly.
      let last = table.entries.count - 1
      let digests = FrameDigests(
        parsing: file.bytes.extracting(table.range(of: last)), count: last)
      if let digests, last > 0, digests.agrees(FrameDigests.digest(of: frame), at: 0) {
        try checkContentSizes(of: file, table)
      }
      throw error
    }
  }

  /// Checks the table's content sizes against what the frames themselves say.
  private static func checkContentSizes(
    of file: MappedFile, _ table: SeekTable
  ) throws(FormatError) {
    for (index, entry) in table.entries.enumerated() {
      let found = FrameDecompressor.contentSize(of: file.bytes.extracting(table.range(of: index)))
      guard found == entry.contentSize else {
        throw FormatError(
          .badData, file: file.path, place: "seek table",
          problem:
            "frame \(index): expected \(found.map { "\($0)" } ?? "another number of") bytes, "
            + "found \(entry.contentSize)")
      }
    }
  }

  /// Lays the tensors out over the frames and checks every frame's size.
  private static func frames(
    of manifest: ArtifactManifest, _ table: SeekTable, path: String
  ) throws(FormatError) -> [TensorFrames] {
    func problem(_ text: String) -> FormatError {
      FormatError(.badData, file: path, place: "seek table", problem: text)
    }
    var next = 1
    var result: [TensorFrames] = []
    for tensor in manifest.tensors {
      let frames = TensorFrames(tensor, first: next, frameSize: manifest.frameSize)
      let (end, overflow) = next.addingReportingOverflow(frames.count)
      guard !overflow, end < table.entries.count else {
        throw problem("expected more than \(table.entries.count) frames for the tensors")
      }
      for plane in 0..<frames.planeCount {
        for chunk in 0..<frames.chunkCount {
          let index = frames.frame(plane: plane, chunk: chunk)
          let expected = frames.planeRange(ofChunk: chunk).count
          guard table.entries[index].contentSize == expected else {
            throw problem(
              "frame \(index), of tensor \(quoted(tensor.name)): expected \(expected) bytes of "
                + "content, found \(table.entries[index].contentSize)")
          }
        }
      }
      result.append(frames)
      next = end
    }
    let last = SeekTable.Entry(
      compressedSize: FrameDigests.encodedSize(count: next), contentSize: 0,
      checksum: SeekTable.emptyChecksum)
    guard table.entries.count == next + 1, table.entries[next] == last else {
      throw problem("expected \(next) frames and their digests, found another list")
    }
    return result
  }

  /// The index of a tensor, or the error that there is none.
  func index(of name: String) throws(FormatError) -> Int {
    guard let index = indices[ByteKey(name)] else {
      throw FormatError(
        .badData, file: path, place: "tensor \(quoted(name))", problem: "not in this artifact")
    }
    return index
  }
}
