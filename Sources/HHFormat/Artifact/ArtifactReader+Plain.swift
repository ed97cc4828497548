// An artifact as zstd -d leaves it: the same header and the same bytes, in a safetensors file.

internal import Synchronization

extension ArtifactReader {
  /// Bytes of a plane that are read at a time. The manifest's size of frames means nothing here, and
  /// could be so small that reading takes for ever.
  private static let plainChunkSize = 1 << 20

  /// The header of a safetensors file that has a manifest; nil for any other file.
  static func plainHeader(of file: MappedFile) -> [UInt8]? {
    let bytes = file.bytes
    guard bytes.byteCount > 8, bytes.octets[8] == UInt8(ascii: "{") else { return nil }
    let length = bytes.littleEndian64(at: 0)
    guard length <= SafetensorsHeader.maximumLength, length <= bytes.byteCount - 8 else {
      return nil
    }
    let content = bytes.extracting(0..<8 + Int(length)).copied()
    do throws(FormatError) {
      let header = try SafetensorsHeader.parse(
        content.span.extracting(8..<content.count), dataCount: file.count - content.count,
        dataStart: content.count, file: file.path)
      return header.metadata(ArtifactHeader.manifestKey) == nil ? nil : content
    } catch {
      // Whoever opens the file as a checkpoint says what is wrong with it.
      return nil
    }
  }

  /// The parts of a decompressed artifact, or nil for a file that is none.
  static func decompressed(
    _ file: MappedFile
  ) throws(FormatError) -> (manifest: ArtifactManifest, frames: [TensorFrames], starts: [Int])? {
    guard !isCompressed(file), let header = plainHeader(of: file) else { return nil }
    let manifest = try ArtifactHeader.parse(
      header, dataCount: file.count - header.count, file: file.path)
    var (frames, starts) = ([TensorFrames](), [Int]())
    // The header's table is in the manifest's order and without holes.
    var position = header.count
    for tensor in manifest.tensors {
      frames.append(
        TensorFrames(tensor, first: frames.last?.end ?? 1, frameSize: plainChunkSize))
      starts.append(position)
      position += tensor.byteCount
    }
    return (manifest, frames, starts)
  }

  /// Checks the digest of a tensor of a decompressed artifact, once. The frames of a compressed one
  /// have checksums of their own.
  func requireDigest(of index: Int) throws(FormatError) {
    guard isDecompressed, !checked.withLock({ $0.contains(index) }) else { return }
    try checkDigest(of: manifest.tensors[index].name)
    checked.withLock { _ = $0.insert(index) }
  }

  /// Copies a part of a plane of a tensor out of a decompressed artifact.
  func copyPlain(
    _ range: Range<Int>, of frames: TensorFrames, from start: Int, plane: Int,
    to output: inout MutableSpan<UInt8>
  ) {
    let first = start + plane * frames.planeSize + range.lowerBound
    let place = first..<first + range.count
    // A local, which the bytes are lent by.
    let file = file
    let source = file.bytes.extracting(place)
    // Safe: both have the size of the range, and the output is no part of a file's mapping.
    unsafe source.withUnsafeBytes { bytes in
      unsafe output.withUnsafeMutableBytes { unsafe $0.copyMemory(from: bytes) }
    }
    file.release(place)
  }
}
