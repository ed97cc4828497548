// Writing tensors as safetensors, converted where asked for, and reading them back.

internal import HHFormat
internal import HHModel
internal import HHTraining

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
    var progress = WritingProgress(of: layout.byteCount, to: output)
    for shard in layout.shards {
      try write(shard, to: folder.path(shard.fileName), &digests, &progress, report)
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
    _ progress: inout WritingProgress, _ report: ProgressReport
  ) throws {
    let table = Dictionary(
      tensors.map { (ByteKey($0.name), $0) }, uniquingKeysWith: { first, _ in first })
    do {
      try SafetensorsWriter.write(
        to: path, tensors: shard.tensors, metadata: [("format", "pt")]
      ) { index, sink throws(FormatError) in
        guard let tensor = table[ByteKey(shard.tensors[index].name)] else { return }
        digests[ByteKey(tensor.name)] = try tensor.write(from: source) {
          piece throws(FormatError) in
          try sink(piece)
          try progress.advance(by: piece.byteCount, report)
        }
      }
    } catch {
      throw progress.stop ?? error
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
