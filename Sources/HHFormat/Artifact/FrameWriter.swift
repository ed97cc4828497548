// The frames of an artifact, compressed in parallel and written in order.

internal import HHKernels

/// Writes the frames of one artifact, from one thread.
final class FrameWriter {
  /// Frames that each thread gets at a time; bounds the memory and evens out their speeds.
  private static let framesPerThread = 4

  private var file: AtomicFile
  private let path: String
  private let options: ArtifactOptions
  private var table = SeekTable()
  private var digests = FrameDigests()
  /// Content bytes of tensors: written so far, and in all.
  private var done = 0
  private let total: Int

  init(file: consuming AtomicFile, path: String, options: ArtifactOptions, total: Int) {
    self.file = file
    self.path = path
    self.options = options
    self.total = total
  }

  /// Writes the first frame.
  func writeHeader(_ header: [UInt8]) throws(FormatError) {
    let frame = try naming(path, "header") { () throws(ZstdError) in
      CompressedFrame(
        try FrameCompressor().compress(header.raw, as: .general), contentSize: header.count)
    }
    try write(frame)
  }

  /// Writes all frames of one tensor, whose bytes have the size that its entry says.
  func write(_ bytes: RawSpan, of tensor: ArtifactManifest.Tensor) throws(FormatError) {
    let frames = TensorFrames(tensor, first: table.entries.count, frameSize: options.frameSize)
    let path = path
    let place = "tensor \(quoted(tensor.name))"
    let batch = max(1, options.threads) * Self.framesPerThread
    for start in stride(from: 0, to: frames.count, by: batch) {
      let compressed = try concurrentMap(
        count: min(batch, frames.count - start), threads: options.threads
      ) { () throws(FormatError) in
        try naming(path, place) { () throws(ZstdError) in try ChunkCompressor() }
      } _: { (compressor, index) throws(FormatError) in
        try naming(path, place) { () throws(ZstdError) in
          try compressor.compress(start + index, of: frames, bytes)
        }
      }
      for frame in compressed {
        try write(frame)
        done += frame.contentSize
      }
      guard options.progress?(done, total) ?? true else {
        throw FormatError(.io, file: path, problem: "stopped; nothing was left behind")
      }
    }
  }

  /// Writes what follows the tensors and publishes the file.
  func finish() throws(FormatError) -> ArtifactSummary {
    let digestFrame = digests.encoded()
    try file.write(digestFrame.raw)
    try naming(path, "frame digests") { () throws(ZstdError) in
      try table.append(
        SeekTable.Entry(
          compressedSize: digestFrame.count, contentSize: 0, checksum: SeekTable.emptyChecksum))
    }
    try file.write(table.encoded().raw)
    let bytes = file.byteCount
    try file.commit()
    return ArtifactSummary(bytes: bytes, rawBytes: total)
  }

  private func write(_ frame: CompressedFrame) throws(FormatError) {
    try file.write(frame.bytes.raw)
    try naming(path, "seek table") { () throws(ZstdError) in
      try table.append(frame: frame.bytes, contentSize: frame.contentSize)
    }
    digests.append(frame.digest)
  }
}

/// One finished frame.
private struct CompressedFrame: Sendable {
  let bytes: [UInt8]
  let contentSize: Int
  let digest: [UInt8]

  init(_ bytes: [UInt8], contentSize: Int) {
    self.bytes = bytes
    self.contentSize = contentSize
    digest = FrameDigests.digest(of: bytes.raw)
  }
}

/// One thread's means to make frames of a tensor.
private struct ChunkCompressor {
  private let compressor: FrameCompressor
  private var plane: [UInt8] = []

  init() throws(ZstdError) { compressor = try FrameCompressor() }

  /// Frame `index` of a tensor, counted from the tensor's first.
  mutating func compress(
    _ index: Int, of frames: TensorFrames, _ bytes: RawSpan
  ) throws(ZstdError) -> CompressedFrame {
    let (planeIndex, chunk) = index.quotientAndRemainder(dividingBy: frames.chunkCount)
    let elements = bytes.extracting(frames.elementRange(ofChunk: chunk))
    let size = frames.planeRange(ofChunk: chunk).count
    guard frames.planeCount > 1 else {
      return CompressedFrame(
        try compressor.compress(elements, as: .general), contentSize: size)
    }
    if plane.count != size { plane = [UInt8](repeating: 0, count: size) }
    var target = plane.mutableSpan
    extractPlane(planeIndex, of: elements, width: frames.planeCount, to: &target)
    return CompressedFrame(try compressor.compress(plane.raw, as: .plane), contentSize: size)
  }
}

/// Runs `body` and gives its error a file and a place.
func naming<Result>(
  _ file: String, _ place: String, _ body: () throws(ZstdError) -> Result
) throws(FormatError) -> Result {
  do throws(ZstdError) {
    return try body()
  } catch {
    throw FormatError(.badData, file: file, place: place, problem: error.problem)
  }
}
