// Reading a written GGUF model back and comparing it with its source.

internal import HHFormat
internal import HHModel
internal import HHTraining

/// The comparison of a GGUF file with the model that it was made from.
struct GGUFVerification {
  private let export: GGUFModelExport
  private let source: Checkpoint
  private let written: Checkpoint
  /// The written tensors by role, maps by their names.
  private let found: [String: TensorDescriptor]

  /// Opens what was written as a model. Throws where it is none.
  init(
    _ export: GGUFModelExport, source: Checkpoint, written: Checkpoint
  ) throws(FormatError) {
    let maps = Set(
      export.tensors.map(\.layout.role).filter { $0.contains(".feature_map.") }.map(ByteKey.init))
    let names = try NameMap(
      tensors: written.tensors.filter { !maps.contains(ByteKey($0.name)) },
      configuration: written.configuration, configurationPath: nil, checkpointPath: written.path)
    var found: [String: TensorDescriptor] = [:]
    for entry in names.entries { found[entry.role] = entry.tensor }
    for tensor in written.tensors where maps.contains(ByteKey(tensor.name)) {
      found[tensor.name] = tensor
    }
    self.found = found
    self.export = export
    self.source = source
    self.written = written
  }

  /// Compares every tensor: blocks that were kept bit for bit; what is stored plainly with what the type makes of the source's values,
  /// bit for bit; what is quantised by its error, which is that of a mix-up where it reaches the
  /// values' own size.
  func run(report: ProgressReport, failure: (String) -> PipelineError) throws {
    let total = export.tensors.reduce(0) { $0 + $1.0.source.byteCount }
    var done = 0
    for (tensor, type) in export.tensors {
      try report(.verified(bytes: done, of: total))
      done += tensor.source.byteCount
      guard let copy = found[tensor.role], copy.shape == tensor.source.shape else {
        throw failure(
          "expected tensor \(quoted(tensor.name)) of shape \(tensor.source.shape) by our reader, "
            + "found " + (found[tensor.role].map { "\($0.shape)" } ?? "none"))
      }
      let isFaithful =
        if type == GGUFModelExport.blocks(of: tensor, in: source) {
          try blocks(source, tensor.source, type) == blocks(written, copy, type)
        } else if copy.dtype == tensor.source.dtype, type.dtype == copy.dtype {
          try bytes(source, tensor.source) == bytes(written, copy)
        } else {
          agrees(
            try floats(source, tensor.source), try floats(written, copy), storedAs: type)
        }
      guard isFaithful else {
        throw failure(
          "expected tensor \(quoted(tensor.name)) to hold the source's values as \(type.name),"
            + " found others")
      }
    }
  }

  private func bytes(
    _ checkpoint: Checkpoint, _ tensor: TensorDescriptor
  ) throws(FormatError) -> String {
    try checkpoint.withBytes(of: tensor.name) { ContentDigest.of($0) }
  }

  /// The digest of a tensor's blocks; nil where it has none of the type.
  private func blocks(
    _ checkpoint: Checkpoint, _ tensor: TensorDescriptor, _ type: GGMLType
  ) throws(FormatError) -> String? {
    guard checkpoint.blockType(of: tensor.name) == type,
      let size = type.byteCount(ofElements: tensor.elementCount)
    else { return nil }
    return try checkpoint.withBlocks(of: tensor.name, in: 0..<size) { ContentDigest.of($0) }
  }

  private func floats(
    _ checkpoint: Checkpoint, _ tensor: TensorDescriptor
  ) throws(FormatError) -> [Float] {
    var values = [Float](repeating: 0, count: tensor.elementCount)
    var output = values.mutableSpan
    try checkpoint.readFloats(of: tensor.name, into: &output)
    return values
  }

  private func agrees(_ original: [Float], _ copy: [Float], storedAs type: GGMLType) -> Bool {
    guard let dtype = type.dtype else {
      var (error, size) = (0.0, 0.0)
      for (a, b) in zip(original, copy) {
        error += Double(a - b) * Double(a - b)
        size += Double(a) * Double(a)
      }
      return error <= size
    }
    let span = original.span
    guard let stored = dtype.store(span) else { return false }
    var expected = [Float](repeating: 0, count: original.count)
    var output = expected.mutableSpan
    return dtype.convert(stored.raw, to: &output)
      && zip(expected, copy).allSatisfy { $0.bitPattern == $1.bitPattern }
  }
}
