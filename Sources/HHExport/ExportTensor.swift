// A tensor between the checkpoint and an exported file.

internal import HHFormat

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

  /// Gives the tensor's bytes, converted, to `sink`, and their digest back. A tensor that is not
  /// converted must be what an artifact's manifest says.
  ///
  /// - Throws: `badData` for a value that the type cannot hold and for another digest than the
  ///   manifest's; what reading the checkpoint and `sink` throw.
  func write(from source: ExportSource, into sink: ByteSink) throws(FormatError) -> String {
    let checkpoint = source.checkpoint
    func problem(_ text: String, remedy: SettingText? = nil) -> FormatError {
      FormatError(
        .badData, file: checkpoint.path, place: "tensor \(quoted(self.source.name))",
        problemText: SettingText(text), remedy: remedy)
    }
    var digest = ContentDigest()
    let overflow = try checkpoint.withBytes(of: self.source.name) { bytes throws(FormatError) in
      try self.source.dtype.convert(bytes, storingAs: dtype) { piece throws(FormatError) in
        digest.update(piece)
        try sink(piece)
      }
    }
    if let overflow {
      throw problem(
        "expected values that fit \(dtype.rawValue), found one that is too large at element"
          + " \(overflow)", remedy: "\(.dtype, "bf16") has the range of float32")
    }
    let found = digest.finalize()
    if dtype == self.source.dtype,
      let entry = checkpoint.artifact?.tensor(named: self.source.name),
      // The digest of blocks says nothing of the floats that they stand for.
      entry.blockType == nil, entry.sha256 != found
    {
      throw problem("expected SHA-256 \(entry.sha256), found \(found)")
    }
    return found
  }
}
