// The frames of an artifact, compressed in parallel and written in order.

internal import HHKernels
internal import Synchronization

/// Writes the frames of one artifact.
final class FrameWriter: Sendable {
  /// Frames of one plane that a thread compresses at a time: their digests are cheaper in pairs.
  private static let framesPerJob = 2
  /// Jobs that may be done or under way beyond the one that is written next, for each thread.
  private static let jobsAhead = 4

  private let path: String
  private let options: ArtifactOptions
  private let target: Mutex<Target>

  /// What the frames go to; one thread at a time has it.
  private struct Target: ~Copyable {
    var file: AtomicFile
    var table = SeekTable()
    var digests = FrameDigests()
    /// Content bytes of tensors: written so far, and in all.
    var done = 0
    let total: Int
  }

  init(file: consuming AtomicFile, path: String, options: ArtifactOptions, total: Int) {
    self.path = path
    self.options = options
    target = Mutex(Target(file: file, total: total))
  }

  /// Writes the first frame.
  func writeHeader(_ header: [UInt8]) throws(FormatError) {
    let frame = try naming(path, "header") { () throws(ZstdError) in
      try FrameCompressor().compress(header.raw, as: .general)
    }
    let digest = FrameDigests.digests(of: [frame])
    try write([CompressedFrame(bytes: frame, contentSize: header.count, digest: digest[0])])
  }

  /// Writes all frames of the tensors of a manifest.
  func write(_ tensors: [ArtifactTensor], of manifest: ArtifactManifest) throws(FormatError) {
    let jobs = jobs(of: manifest)
    let path = path
    try concurrentForEach(
      count: jobs.count, threads: options.threads, ahead: options.threads * Self.jobsAhead
    ) { () throws(FormatError) in
      try naming(path, "frames") { () throws(ZstdError) in try ChunkCompressor() }
    } _: { (compressor, index) throws(FormatError) in
      let job = jobs[index]
      let tensor = tensors[job.tensor]
      return try compressor.compress(job, of: tensor, path: path)
    } consume: { (frames) throws(FormatError) in
      try self.write(frames)
    }
    // The last progress is that of the last frame, unless there was none.
    if jobs.isEmpty { _ = options.progress?(0, 0) }
  }

  private func jobs(of manifest: ArtifactManifest) -> [FrameJob] {
    var jobs: [FrameJob] = []
    for (index, tensor) in manifest.tensors.enumerated() {
      let frames = TensorFrames(tensor, first: 0, frameSize: manifest.frameSize)
      for plane in 0..<frames.planeCount {
        for chunk in stride(from: 0, to: frames.chunkCount, by: Self.framesPerJob) {
          let chunks = chunk..<min(chunk + Self.framesPerJob, frames.chunkCount)
          jobs.append(FrameJob(tensor: index, frames: frames, plane: plane, chunks: chunks))
        }
      }
    }
    return jobs
  }

  /// Writes what follows the tensors and publishes the file.
  func finish() throws(FormatError) -> ArtifactSummary {
    let path = path
    return try target.withLock { (target) throws(FormatError) in
      let digestFrame = target.digests.encoded()
      try target.file.write(digestFrame.raw)
      try naming(path, "frame digests") { () throws(ZstdError) in
        try target.table.append(
          SeekTable.Entry(
            compressedSize: digestFrame.count, contentSize: 0, checksum: SeekTable.emptyChecksum))
      }
      try target.file.write(target.table.encoded().raw)
      let bytes = target.file.byteCount
      try target.file.commit()
      return ArtifactSummary(bytes: bytes, rawBytes: target.total)
    }
  }

  private func write(_ frames: [CompressedFrame]) throws(FormatError) {
    let (path, progress) = (path, options.progress)
    try target.withLock { (target) throws(FormatError) in
      let isHeader = target.digests.count == 0
      for frame in frames {
        try target.file.write(frame.bytes.raw)
        try naming(path, "seek table") { () throws(ZstdError) in
          try target.table.append(frame: frame.bytes, contentSize: frame.contentSize)
        }
        target.digests.append(frame.digest)
        if !isHeader { target.done += frame.contentSize }
      }
      guard isHeader || progress?(target.done, target.total) ?? true else {
        throw FormatError(.io, file: path, problem: "stopped; nothing was left behind")
      }
    }
  }
}

/// One finished frame.
private struct CompressedFrame: Sendable {
  let bytes: [UInt8]
  let contentSize: Int
  let digest: [UInt8]
}

/// Neighbouring frames of one plane of a tensor.
private struct FrameJob: Sendable {
  /// Position in the manifest.
  let tensor: Int
  let frames: TensorFrames
  let plane: Int
  let chunks: Range<Int>
}

/// One thread's means to make frames.
private struct ChunkCompressor {
  private let compressor: FrameCompressor
  private var plane: [UInt8] = []

  init() throws(ZstdError) { compressor = try FrameCompressor() }

  /// The frames of a job.
  mutating func compress(
    _ job: FrameJob, of tensor: ArtifactTensor, path: String
  ) throws(FormatError) -> [CompressedFrame] {
    var frames: [[UInt8]] = []
    for chunk in job.chunks {
      try tensor.lend(job.frames.elementRange(ofChunk: chunk)) { (bytes) throws(FormatError) in
        let frame = try naming(path, "tensor \(quoted(tensor.name))") { () throws(ZstdError) in
          try compress(bytes, job)
        }
        frames.append(frame)
      }
    }
    let digests = FrameDigests.digests(of: frames)
    return frames.indices.map { index in
      CompressedFrame(
        bytes: frames[index],
        contentSize: job.frames.planeRange(ofChunk: job.chunks.lowerBound + index).count,
        digest: digests[index])
    }
  }

  private mutating func compress(_ elements: RawSpan, _ job: FrameJob) throws(ZstdError) -> [UInt8]
  {
    let width = job.frames.planeCount
    guard width > 1 else { return try compressor.compress(elements, as: .general) }
    let size = elements.byteCount / width
    if plane.count != size { plane = [UInt8](repeating: 0, count: size) }
    var target = plane.mutableSpan
    extractPlane(job.plane, of: elements, width: width, to: &target)
    return try compressor.compress(plane.raw, as: .plane)
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
