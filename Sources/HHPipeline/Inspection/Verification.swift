// Whether a file is whole and fits its architecture: every checksum, the schema, the shapes.

internal import HHFormat

/// The result of a check that found nothing wrong.
package struct Verification: Sendable, Equatable {
  package let path: String
  package let tensorCount: Int
  /// Bytes of the tensors, uncompressed.
  package let byteCount: Int
  /// What was checked, in words.
  package let checks: String

  /// Checks a checkpoint or an artifact.
  ///
  /// - Throws: `FormatError` for the first defect, or `PipelineError` for a plan it breaks.
  package init(of path: String, configuration: String? = nil, threads: Int) throws {
    self.path = path
    if try Inspection.isArtifact(path) {
      let report = try ArtifactVerifier.verify(at: path, threads: threads)
      _ = try ConvertedModel(opening: path)
      tensorCount = report.tensors
      byteCount = report.rawBytes
      checks = "container, manifest, \(report.frames) frames, digests, names and shapes"
      return
    }
    let checkpoint = try Checkpoint(opening: path, configuration: configuration)
    let names = try NameMap(checkpoint)
    _ = try Graph(names)
    try WeightCheck(checkpoint: checkpoint, names: names).run(allowNonfinite: false)
    tensorCount = checkpoint.tensors.count
    byteCount = checkpoint.byteCount
    checks = "header, names, shapes, finite weights"
  }
}
