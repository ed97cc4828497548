// Whether a file is whole and fits its architecture: every checksum, the schema, the shapes.

package import HHFormat
internal import HHModel

/// The result of a check that found nothing wrong.
package struct Verification: Sendable, Equatable {
  package let path: String
  package let tensorCount: Int
  /// Bytes of the tensors, uncompressed.
  package let byteCount: Int
  /// What was checked, in words.
  package let checks: SettingText

  /// Checks a checkpoint or an artifact; of a delta what it holds itself, and with the model that
  /// it was made from as `base` all of it.
  ///
  /// - Throws: `FormatError` for the first defect, or `PipelineError` for a plan it breaks.
  package init(
    of path: String, configuration: String? = nil, base: String? = nil, threads: Int
  ) throws {
    if try Inspection.isArtifact(path) {
      self = try Self.artifact(at: path, base: base, threads: threads)
      return
    }
    let checkpoint = try Checkpoint(opening: path, configuration: configuration, base: base)
    if let artifact = checkpoint.artifact {
      // A folder's only file, decompressed.
      self = try Self.artifact(at: artifact.path, base: base, threads: threads)
      return
    }
    if checkpoint.isConverted {
      let model = try ConvertedModel(checkpoint)
      try WeightCheck(checkpoint: model.checkpoint, names: model.names).run(allowNonfinite: false)
      for tensor in model.plan.blocks.flatMap(\.tensors) {
        if let index = try model.checkpoint.firstNonFinite(tensor.name) {
          throw WeightCheck.nonfinite(at: index, of: tensor.name, in: model.checkpoint)
        }
      }
    } else {
      let names = try NameMap(checkpoint)
      _ = try Graph(names)
      try WeightCheck(checkpoint: checkpoint, names: names).run(allowNonfinite: false)
    }
    self.init(
      path: path, tensorCount: checkpoint.tensors.count, byteCount: checkpoint.byteCount,
      checks: "header, names, shapes, finite weights")
  }

  private init(path: String, tensorCount: Int, byteCount: Int, checks: SettingText) {
    self.path = path
    self.tensorCount = tensorCount
    self.byteCount = byteCount
    self.checks = checks
  }

  private static func artifact(
    at path: String, base: String?, threads: Int
  ) throws(FormatError) -> Self {
    let report = try ArtifactVerifier.verify(at: path, threads: threads)
    let model = try ConvertedModel(opening: path, base: base)
    let files = model.manifest?.files ?? []
    var tensorCount = report.tensors - files.count
    var byteCount = files.reduce(report.rawBytes) { $0 - $1.bytes }
    var checks: SettingText =
      report.frames.map { "container, manifest, \($0) frames, digests, names and shapes" }
      ?? "header, manifest, digests of tensors, names and shapes"
    if !files.isEmpty { checks = "\(checks), \(files.count) files" }
    if let left = model.manifest?.base?.tensors {
      if base != nil {
        try model.checkpoint.checkBase(threads: threads)
        tensorCount += left.count
        byteCount = left.reduce(byteCount) { $0 + $1.byteCount }
        checks = "\(checks), base"
      } else {
        checks = "\(checks); not checked: \(left.count) tensors of the base, for want of \(.base)"
      }
    }
    if report.frames == nil {
      checks =
        "\(checks); not checked: the bytes of the header, whose digest the compressed file has"
    }
    return Self(path: path, tensorCount: tensorCount, byteCount: byteCount, checks: checks)
  }
}
