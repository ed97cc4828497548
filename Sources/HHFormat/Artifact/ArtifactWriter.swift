// Writing NAME.hedgehog.safetensors.zst: a safetensors file inside independent zstd frames.
//
//     frame 0                the safetensors header, with the manifest as `__metadata__.hedgehog`
//     frames of tensor 0     plane by plane, each plane in frames of `frameSize` content bytes
//     frames of tensor 1 …   carried files come last, each as a tensor of bytes
//     skippable frame        digests of the frames (FrameDigests)
//     skippable frame        the seek table (SeekTable)

/// How an artifact is written.
package struct ArtifactOptions: Sendable {
  /// Called with the content bytes written so far and in all; false stops the writing.
  /// It is called from several threads, but from one at a time.
  package typealias Progress = @Sendable (_ done: Int, _ total: Int) -> Bool

  /// The layout of 2- and 4-byte floats.
  package var layout: TensorLayout
  /// Whether an existing file is replaced.
  package var replacing: Bool
  /// Threads that digest and compress. The bytes written do not depend on it.
  package var threads: Int
  /// Content bytes of a full frame, a multiple of 8.
  package var frameSize: Int
  /// Whether tensors of origin `kept`, and the files, are left to the base and only their digests
  /// written.
  package var delta: Bool
  /// Where progress goes.
  package var progress: Progress?

  /// Creates options; one MiB keeps random access cheap and costs nothing in size.
  package init(
    layout: TensorLayout = .planes, replacing: Bool = false, threads: Int = 1,
    frameSize: Int = 1 << 20, delta: Bool = false, progress: Progress? = nil
  ) {
    self.layout = layout
    self.replacing = replacing
    self.threads = threads
    self.frameSize = frameSize
    self.delta = delta
    self.progress = progress
  }
}

/// What was written.
package struct ArtifactSummary: Sendable, Equatable {
  /// Bytes of the artifact.
  package let bytes: Int
  /// Bytes of the tensors before compression.
  package let rawBytes: Int
  /// Puts the numbers together.
  package init(bytes: Int, rawBytes: Int) {
    (self.bytes, self.rawBytes) = (bytes, rawBytes)
  }
}

/// Writes artifacts.
package enum ArtifactWriter {
  /// Writes an artifact and publishes it under `path` once it is whole and on disk.
  ///
  /// The header comes first and holds each tensor's digest, so every tensor is read twice: once to
  /// digest it and once to compress it. Beside what is lent, memory holds a few frames for each
  /// thread. The same tensors, files and description give the same bytes.
  ///
  /// Throws `.cannotCreate` where the output exists and is not to be replaced, `.io` where it
  /// cannot be written, `.badData` where a tensor does not have the bytes that its shape needs.
  package static func write(
    to path: String, description: ArtifactDescription, tensors: [ArtifactTensor],
    files: [Companions.File] = [], options: ArtifactOptions = ArtifactOptions()
  ) throws(FormatError) -> ArtifactSummary {
    precondition(
      options.frameSize > 0 && options.frameSize <= ArtifactManifest.maximumFrameSize
        && options.frameSize.isMultiple(of: 8), "frameSize: a positive multiple of 8")
    // First of all: an output that cannot be created must not cost an hour of digests.
    let file = try AtomicFile(at: path, replacing: options.replacing)
    let (tensors, manifest) = try contents(
      description, tensors, files, path: path, options: options)
    let header = try ArtifactHeader.encoded(manifest, file: path)
    let writer = FrameWriter(
      file: consume file, path: path, options: options,
      total: manifest.tensors.reduce(0) { $0 + $1.byteCount })
    try writer.writeHeader(header)
    try writer.write(tensors, of: manifest)
    return try writer.finish()
  }

  /// The tensors to write, and the manifest that describes them.
  private static func contents(
    _ description: ArtifactDescription, _ tensors: [ArtifactTensor], _ files: [Companions.File],
    path: String, options: ArtifactOptions
  ) throws(FormatError) -> (tensors: [ArtifactTensor], manifest: ArtifactManifest) {
    let carried = files.map {
      CarriedFile(name: $0.name, bytes: $0.content.count, sha256: ContentDigest.of($0.content))
    }
    var tensors = tensors
    if !options.delta { tensors += zip(carried, files).map { ArtifactTensor($0, $1.content) } }
    let sizes = try sizes(of: tensors, path: path)
    let digests = try TensorDigests.of(tensors, threads: options.threads)
    let entries = tensors.indices.map { index in
      let tensor = tensors[index]
      return ArtifactManifest.Tensor(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape,
        layout: options.layout.applied(to: tensor.dtype), sha256: digests[index],
        origin: tensor.origin, byteCount: sizes[index])
    }
    func isWritten(_ entry: ArtifactManifest.Tensor) -> Bool {
      !options.delta || entry.origin != .kept
    }
    let base = ArtifactBase(
      tensors: entries.filter { !isWritten($0) }.map {
        ArtifactBase.Tensor(
          name: $0.name, dtype: $0.dtype, shape: $0.shape, sha256: $0.sha256,
          byteCount: $0.byteCount)
      }, files: carried)
    let manifest = ArtifactManifest(
      version: .current, description: description, frameSize: options.frameSize,
      tensors: entries.filter(isWritten), files: options.delta ? [] : carried,
      base: options.delta ? base : nil)
    return (zip(tensors, entries).filter { isWritten($1) }.map(\.0), manifest)
  }

  /// The bytes of each tensor by its shape, once there are as many.
  private static func sizes(
    of tensors: [ArtifactTensor], path: String
  ) throws(FormatError) -> [Int] {
    var names: Set<ByteKey> = []
    return try tensors.map { (tensor) throws(FormatError) in
      func problem(_ text: String) -> FormatError {
        FormatError(.badData, file: path, place: "tensor \(quoted(tensor.name))", problem: text)
      }
      guard names.insert(ByteKey(tensor.name)).inserted else { throw problem("named twice") }
      let declaration = (name: tensor.name, dtype: tensor.dtype, shape: tensor.shape)
      let type = tensor.dtype.rawValue
      guard let size = SafetensorsWriter.byteCount(declaration) else {
        throw problem("shape \(tensor.shape) has no size in bytes as \(type)")
      }
      guard tensor.byteCount == size else {
        throw problem("\(type) \(tensor.shape): expected \(size) bytes, found \(tensor.byteCount)")
      }
      return size
    }
  }
}
