// The frames of an artifact, compressed in parallel and written in order; the first one last of all.

internal import HHKernels
internal import Synchronization

/// Writes the frames of one artifact.
final class FrameWriter: Sendable {
  /// Frames of one plane that a thread compresses at a time: their digests are cheaper in pairs.
  private static let framesPerJob = 2
  /// Jobs that may be done or under way beyond the one that is written next, for each thread.
  private static let jobsAhead = 4
  /// Bytes of tensors by which digests may be ahead of the frames: the weights are then read from
  /// disk once for both, even where memory holds only a part of them.
  private static let digestsAhead = 1 << 28

  private let path: String
  private let options: ArtifactOptions
  /// Content bytes of the first frame.
  private let headerSize: Int
  private let target: Mutex<Target>

  /// What the frames go to; one thread at a time has it.
  private struct Target: ~Copyable {
    var file: AtomicFile
    /// The frames after the first, and their digests.
    var table = SeekTable()
    var digests = FrameDigests()
    /// Content bytes of tensors: written so far, and in all.
    var done = 0
    let total: Int
  }

  /// Keeps room for the frame of a header of `headerSize` bytes, before frames of tensors with
  /// `total` bytes.
  init(
    file: consuming AtomicFile, path: String, options: ArtifactOptions, headerSize: Int, total: Int
  ) throws(FormatError) {
    self.path = path
    self.options = options
    self.headerSize = headerSize
    let room = [UInt8](repeating: 0, count: FrameCompressor.storedSize(of: headerSize))
    try file.write(room.raw)
    target = Mutex(Target(file: file, total: total))
  }

  /// Writes all frames of tensors, and beside that makes all digests.
  func write(_ tensors: [ArtifactTensor], digests: ContentDigests) throws(FormatError) {
    let jobs = jobs(of: tensors)
    let path = path
    try concurrentForEach(
      count: jobs.count, threads: options.threads, ahead: options.threads * Self.jobsAhead
    ) { (_) throws(FormatError) in
      try naming(path, "frames") { () throws(ZstdError) in
        Worker(compressor: try ChunkCompressor(), digester: Digester(digests))
      }
    } beside: { (worker, job) throws(FormatError) in
      try worker.digester.advance(limit: job.map { jobs[$0].start + Self.digestsAhead } ?? .max)
    } _: { (worker, index) throws(FormatError) in
      let job = jobs[index]
      return try worker.compressor.compress(job, of: tensors[job.tensor], path: path)
    } consume: { (frames) throws(FormatError) in
      try self.write(frames)
    }
    // The last progress is that of the last frame, unless there was none.
    if jobs.isEmpty { _ = options.progress?(0, 0) }
  }

  private func jobs(of tensors: [ArtifactTensor]) -> [FrameJob] {
    var jobs: [FrameJob] = []
    var start = 0
    for (index, tensor) in tensors.enumerated() {
      let frames = TensorFrames(tensor, options: options)
      for plane in 0..<frames.planeCount {
        for chunk in stride(from: 0, to: frames.chunkCount, by: Self.framesPerJob) {
          let chunks = chunk..<min(chunk + Self.framesPerJob, frames.chunkCount)
          jobs.append(
            FrameJob(tensor: index, frames: frames, plane: plane, chunks: chunks, start: start))
        }
      }
      start += tensor.byteCount
    }
    return jobs
  }

  /// Writes the header and what follows the tensors, and publishes the file; `companions` is called
  /// when all of it is on disk and only the name is left to give.
  func finish(
    header: [UInt8], companions: () throws(FormatError) -> Void
  ) throws(FormatError) -> ArtifactSummary {
    precondition(header.count == headerSize, "a header of the size that there is room for")
    let path = path
    let frame = try naming(path, "header") { () throws(ZstdError) in
      try FrameCompressor().store(header.raw)
    }
    return try target.withLock { (target) throws(FormatError) in
      try target.file.overwrite(at: 0, frame.raw)
      var digests = FrameDigests()
      digests.append(FrameDigests.digest(of: frame.raw))
      digests.append(contentsOf: target.digests)
      let digestFrame = digests.encoded()
      try target.file.write(digestFrame.raw)
      let table = try naming(path, "seek table") { () throws(ZstdError) in
        var table = SeekTable()
        try table.append(frame: frame, contentSize: header.count)
        for entry in target.table.entries { try table.append(entry) }
        try table.append(
          SeekTable.Entry(
            compressedSize: digestFrame.count, contentSize: 0, checksum: SeekTable.emptyChecksum))
        return table
      }
      try target.file.write(table.encoded().raw)
      let bytes = target.file.byteCount
      try target.file.flush()
      try companions()
      try target.file.commit()
      return ArtifactSummary(bytes: bytes, rawBytes: target.total)
    }
  }

  private func write(_ frames: [CompressedFrame]) throws(FormatError) {
    let (path, progress) = (path, options.progress)
    try target.withLock { (target) throws(FormatError) in
      for frame in frames {
        try target.file.write(frame.bytes.raw)
        try naming(path, "seek table") { () throws(ZstdError) in
          try target.table.append(frame: frame.bytes, contentSize: frame.contentSize)
        }
        target.digests.append(frame.digest)
        target.done += frame.contentSize
      }
      guard progress?(target.done, target.total) ?? true else {
        throw FormatError(.io, file: path, problem: "stopped; nothing was left behind")
      }
    }
  }
}

/// What a thread works with.
private struct Worker {
  var compressor: ChunkCompressor
  let digester: Digester
}

/// One finished frame.
private struct CompressedFrame: Sendable {
  let bytes: [UInt8]
  let contentSize: Int
  let digest: [UInt8]
}

/// Neighbouring frames of one plane of a tensor.
private struct FrameJob: Sendable {
  /// Position among the tensors.
  let tensor: Int
  let frames: TensorFrames
  let plane: Int
  let chunks: Range<Int>
  /// Where the tensor starts among the bytes of all tensors that have frames.
  let start: Int
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
