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
  /// Whether only digests are written of tensors of origin `kept` and of files, which are then read
  /// from the base.
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

  /// The layout that a tensor gets.
  func layout(of tensor: ArtifactTensor) -> TensorLayout {
    tensor.blockType == nil ? layout.applied(to: tensor.dtype) : .blocks
  }
}

/// What was written.
package struct ArtifactSummary: Sendable, Equatable {
  /// Bytes of the artifact.
  package let bytes: Int
  /// Bytes of the tensors before compression.
  package let rawBytes: Int
  /// Creates a summary.
  package init(bytes: Int, rawBytes: Int) {
    (self.bytes, self.rawBytes) = (bytes, rawBytes)
  }
}

/// Writes artifacts.
package enum ArtifactWriter {
  /// Writes an artifact and publishes it under `path` once it is whole and on disk.
  ///
  /// Tensors are digested and compressed side by side. The header comes first and holds the
  /// digests, so room is kept for it and it is written last. Apart from the tensors that are lent,
  /// memory holds a few frames for each thread. The same tensors, files and description give the
  /// same bytes.
  ///
  /// - Throws: `cannotCreate` where the output exists and is not to be replaced, `io` where it
  ///   cannot be written, `badData` where a tensor does not have the bytes that its shape needs,
  ///   and what the checks of tensors throw.
  package static func write(
    to path: String, description: ArtifactDescription, tensors: [ArtifactTensor],
    files: [SidecarFile] = [], options: ArtifactOptions = ArtifactOptions()
  ) throws(FormatError) -> ArtifactSummary {
    try write(to: path, sources: [], tensors: tensors, files: files, options: options) { _ in
      description
    }
  }

  /// Writes an artifact whose description holds digests of other files, the `sources`; otherwise as
  /// the other form. Each source is read once, while the tensors are, which are mostly its bytes.
  ///
  /// `description` gets the SHA-256 of each source in hexadecimal. It is called twice, the first
  /// time with digests of zeros, and must give descriptions of equal length as JSON. `companions`
  /// publishes what belongs beside the artifact: it is called when the artifact is on disk and has no
  /// name yet, and what it throws leaves it without.
  package static func write(
    to path: String, sources: [MappedFile], tensors: [ArtifactTensor],
    files: [SidecarFile] = [], options: ArtifactOptions = ArtifactOptions(),
    companions: () throws(FormatError) -> Void = {},
    description: (_ sources: [String]) throws(FormatError) -> ArtifactDescription
  ) throws(FormatError) -> ArtifactSummary {
    precondition(
      options.frameSize > 0 && options.frameSize <= ArtifactManifest.maximumFrameSize
        && options.frameSize.isMultiple(of: 8), "frameSize: a positive multiple of 8")
    // First of all: an output that cannot be created must not cost an hour of digests.
    let file = try AtomicFile(at: path, replacing: options.replacing)
    let contents = try ArtifactContents(tensors, files: files, path: path, options: options)
    func header(_ digests: (files: [String], tensors: [String])) throws(FormatError) -> [UInt8] {
      let manifest = contents.manifest(try description(digests.files), digests: digests.tensors)
      return try ArtifactHeader.encoded(manifest, file: path)
    }
    let digests = ContentDigests(
      files: sources.map { DigestedBytes($0) }, tensors: contents.tensors.map { DigestedBytes($0) })
    let room = try header((sources.map { _ in ContentDigest.zeros }, contents.provisionalDigests))
      .count
    let writer = try FrameWriter(
      file: consume file, path: path, options: options, headerSize: room,
      total: contents.written.reduce(0) { $0 + $1.byteCount })
    try writer.write(contents.written, digests: digests)
    return try writer.finish(header: header(digests.results), companions: companions)
  }
}
