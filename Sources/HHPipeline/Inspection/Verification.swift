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
      let reader = try ArtifactReader(at: path)
      try Self.checkModel(reader)
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

  /// Checks that an artifact's tensors are the source's and the maps that its plan asks for.
  private static func checkModel(_ reader: ArtifactReader) throws(FormatError) {
    let manifest = reader.manifest
    let descriptors = manifest.tensors.filter { $0.origin != .new }.map { tensor in
      TensorDescriptor(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, byteRange: 0..<tensor.byteCount
      )
    }
    let configuration = manifest.description.architecture.config
    let names = try NameMap(
      tensors: descriptors, configuration: configuration.count == 0 ? nil : configuration,
      configurationPath: nil, checkpointPath: reader.path)
    let plan = try Graph(names).rewritten().plan
    var expected: [ByteKey: [Int]] = [:]
    for tensor in plan.blocks.flatMap(\.tensors) { expected[ByteKey(tensor.name)] = tensor.shape }
    for tensor in manifest.tensors where tensor.origin == .new {
      guard let shape = expected.removeValue(forKey: ByteKey(tensor.name)) else {
        throw FormatError(
          .badData, file: reader.path, place: "tensor \(quoted(tensor.name))",
          problem: "unexpected: expected only feature maps of the model's blocks")
      }
      guard tensor.shape == shape else {
        throw FormatError(
          .badData, file: reader.path, place: "tensor \(quoted(tensor.name))",
          problem: "wrong shape: expected \(shape), found \(tensor.shape)")
      }
    }
    if let missing = expected.keys.map(\.text).sorted().first {
      throw FormatError(
        .badData, file: reader.path, place: "tensor '\(missing)'",
        problem: "missing: expected a feature map for every block, found none")
    }
  }
}
