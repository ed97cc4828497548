// Writing tensors as safetensors, converted where asked for, and reading them back.

internal import HHFormat
internal import HHModel
internal import HHTraining

/// A tensor on its way from a checkpoint into a file.
struct ExportTensor {
  /// Its name in the file.
  let name: String
  /// The tensor in the checkpoint.
  let source: TensorDescriptor
  /// Its element type in the file.
  let dtype: DType

  var declaration: SafetensorsWriter.Declaration { (name, dtype, source.shape) }

  /// The tensors of an export under the names that `rename` gives. Floats of the source become
  /// `type`; feature maps stay float32, since half of it costs more quality than it saves bytes.
  static func list(
    _ source: ExportSource, type: DType?, rename: (String) -> String = { $0 }
  ) -> [ExportTensor] {
    let maps = source.mapNames
    return source.tensors.map { tensor in
      let isConverted = type != nil && !maps.contains(ByteKey(tensor.name))
      let target = isConverted && tensor.dtype.isComputable ? type ?? tensor.dtype : tensor.dtype
      return ExportTensor(name: rename(tensor.name), source: tensor, dtype: target)
    }
  }
}

/// Writes tensors into files of a folder and checks them there.
struct TensorExport {
  let source: ExportSource
  let tensors: [ExportTensor]
  let layout: ShardLayout
  /// What the first, and often only, file is called in messages.
  let output: String

  init(_ source: ExportSource, tensors: [ExportTensor], shardSize: Int?, output: String) {
    self.source = source
    self.tensors = tensors
    self.output = output
    layout = ShardLayout(tensors.map(\.declaration), limit: shardSize)
  }

  /// Writes every file, then reads all of them back.
  func run(into folder: borrowing StagingFolder, report: ProgressReport) throws {
    var digests: [ByteKey: String] = [:]
    var done = 0
    for shard in layout.shards {
      try write(shard, to: folder.path(shard.fileName), &digests, &done, report)
    }
    if let index = layout.index {
      try folder.write(Array(JSONValue.object(index).readableText.utf8), to: ShardLayout.indexName)
    }
    try verify(
      layout.index == nil
        ? folder.path(layout.shards[0].fileName) : folder.path(ShardLayout.indexName),
      digests, report)
  }

  private func write(
    _ shard: ShardLayout.Shard, to path: String, _ digests: inout [ByteKey: String],
    _ done: inout Int, _ report: ProgressReport
  ) throws {
    let table = Dictionary(
      tensors.map { (ByteKey($0.name), $0) }, uniquingKeysWith: { first, _ in first })
    // The writer's errors are of one type; what ends it from outside waits here.
    var stop: (any Error)?
    do {
      try SafetensorsWriter.write(
        to: path, tensors: shard.tensors, metadata: [("format", "pt")]
      ) { index, sink throws(FormatError) in
        guard let tensor = table[ByteKey(shard.tensors[index].name)] else { return }
        var digest = ContentDigest()
        try store(tensor) { piece throws(FormatError) in
          digest.update(piece)
          try sink(piece)
          done += piece.byteCount
          do {
            try report(.written(bytes: done, of: layout.byteCount))
          } catch {
            stop = error
            throw FormatError(.io, file: output, problem: "stopped")
          }
        }
        let found = digest.finalize()
        digests[ByteKey(tensor.name)] = found
        try check(found, of: tensor)
      }
    } catch {
      throw stop ?? error
    }
  }

  /// Gives a tensor's bytes, converted, to `sink`.
  private func store(
    _ tensor: ExportTensor, _ sink: ByteSink
  ) throws(FormatError) {
    let name = tensor.source.name
    let overflow = try source.checkpoint.withBytes(of: name) { bytes throws(FormatError) in
      try tensor.source.dtype.convert(bytes, storingAs: tensor.dtype, into: sink)
    }
    guard let overflow else { return }
    throw FormatError(
      .badData, file: source.checkpoint.path, place: "tensor \(quoted(name))",
      problem: "expected values that fit \(tensor.dtype.rawValue), found one that is too large"
        + " at element \(overflow)",
      remedy: "\(.dtype, "bf16") has the range of float32")
  }

  /// A tensor that is not converted must be what the artifact's manifest says.
  private func check(_ digest: String, of tensor: ExportTensor) throws(FormatError) {
    guard tensor.dtype == tensor.source.dtype,
      let entry = source.checkpoint.artifact?.tensor(named: tensor.source.name),
      // The digest of blocks says nothing of the floats that they stand for.
      entry.blockType == nil
    else { return }
    guard entry.sha256 == digest else {
      throw FormatError(
        .badData, file: source.checkpoint.path, place: "tensor \(quoted(tensor.source.name))",
        problem: "expected SHA-256 \(entry.sha256), found \(digest)")
    }
  }

  /// Opens what was written and compares names, types, shapes and digests.
  private func verify(
    _ path: String, _ digests: [ByteKey: String], _ report: ProgressReport
  ) throws {
    func unfaithful(_ problem: String) -> PipelineError {
      .unfaithful(file: output, problem: problem)
    }
    let written: Checkpoint
    do {
      written = try Checkpoint(opening: path)
    } catch {
      throw unfaithful("expected a checkpoint, found: \(error)")
    }
    guard written.tensors.count == tensors.count else {
      throw unfaithful("expected \(tensors.count) tensors, found \(written.tensors.count)")
    }
    var done = 0
    for tensor in tensors {
      guard let found = written[tensor.name], found.dtype == tensor.dtype,
        found.shape == tensor.source.shape
      else {
        throw unfaithful(
          "expected tensor \(quoted(tensor.name)) of \(tensor.dtype.rawValue)"
            + " \(tensor.source.shape), found another table")
      }
      let digest = try written.withBytes(of: tensor.name) { ContentDigest.of($0) }
      guard digest == digests[ByteKey(tensor.name)] else {
        throw unfaithful("tensor \(quoted(tensor.name)): expected other bytes than those found")
      }
      done += found.byteCount
      try report(.verified(bytes: done, of: layout.byteCount))
    }
  }
}
