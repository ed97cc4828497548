// The way back: an export that was trained elsewhere becomes an artifact again.

internal import HHCompute
package import HHFormat
internal import HHModel
package import HHTraining

/// One packing, opened and checked; `run` carries it out.
package struct Packing {
  /// Where the artifact goes.
  package let output: String
  private let options: PackingOptions
  private let trained: TrainedFolder
  private let claims: TrainingClaims
  private let files: [SidecarFile]
  private let inputs: [SourceFiles]
  private let stopwatch = Stopwatch()

  /// Opens the folder and its base and checks everything that can be checked before work begins.
  ///
  /// - Throws: `FormatError` for a folder, a base or an output that cannot be used.
  package init(_ options: PackingOptions) throws(FormatError) {
    ThreadPolicy.use(threads: options.threads)
    self.options = options
    output = options.outputPath
    trained = try TrainedFolder(options)
    inputs =
      [SourceFiles(of: trained.checkpoint)]
      + (trained.base.map { [SourceFiles(of: $0.checkpoint)] } ?? [])
    let folder = trained.folder
    claims = try TrainingClaims(folder: folder)
    files = try PackedFiles(of: folder, base: trained.base?.checkpoint).files
    // Created and dropped at once: a bad output must not cost the comparison.
    _ = try AtomicFile(at: output, replacing: options.force)
    try protect(trained.inputFiles, from: output)
  }

  /// Compares the tensors with the base's and writes the artifact.
  ///
  /// - Throws: What `report` throws and `FormatError`; nothing is left behind then.
  package func run(report: ProgressReport) throws -> PackingSummary {
    for file in claims.unreadable {
      try report(.warning("'\(file)' is not quoted: expected a JSON object"))
    }
    if trained.base != nil, !trained.checkpoint.isAdapted,
      trained.checkpoint.exportedArtifact == nil
    {
      try report(
        .warning(
          "the folder does not say which artifact it was exported from: only sizes were compared"))
    }
    let packed = PackedTensors(trained)
    var changes: [PackedTensor.Change] = []
    var done = 0
    let total = packed.comparedByteCount
    for tensor in packed.tensors {
      changes.append(
        try packed.change(of: tensor) { bytes in
          done += bytes
          try report(.verified(bytes: done, of: total))
        })
    }
    let assembly = PackedArtifact(
      packed: packed, changes: changes, claims: claims, options: options)
    let written = try assembly.write(files: files, report: report) { () throws(FormatError) in
      for input in inputs { try input.requireUnchanged() }
    }
    return PackingSummary(
      output: output, base: options.base, counts: assembly.counts,
      leftOut: packed.leftOut.map(\.name), bytes: written.bytes, rawBytes: written.rawBytes,
      seconds: stopwatch.seconds)
  }
}

/// What a finished packing gives back.
package struct PackingSummary: Sendable, Equatable {
  /// The artifact's path.
  package let output: String
  /// The artifact that it was compared with.
  package let base: String?
  /// How many tensors are `unchanged`, `rounded`, `changed` and `added`.
  package let counts: JSONObject
  /// Tensors of the base that the folder has not.
  package let leftOut: [String]
  /// Bytes of the artifact and of its tensors uncompressed.
  package let bytes: Int
  package let rawBytes: Int
  /// Wall time.
  package let seconds: Double
}
