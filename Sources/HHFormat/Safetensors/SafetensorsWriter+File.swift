// Writing a whole safetensors file, tensor by tensor, so that no more than one is in memory.

extension SafetensorsWriter {
  /// Writes a file that appears under its name only when it is complete.
  ///
  /// - Parameters:
  ///   - path: Where to write.
  ///   - tensors: What to write, in this order; `canonicalOrder` gives the official one.
  ///   - metadata: The members of `__metadata__`.
  ///   - replacing: Whether an existing file may be replaced.
  ///   - content: Called once for each tensor, with its position; gives the tensor's bytes to the
  ///     sink in one piece or several.
  /// - Throws: `badData` for what `header` refuses and for a tensor whose bytes are not as many as
  ///   its shape says, `cannotCreate` and `io` where the file cannot be written, and what `content`
  ///   throws; nothing appears under the name then.
  package static func write(
    to path: String, tensors: [Declaration], metadata: [(String, String)], replacing: Bool = false,
    content: (Int, ByteSink) throws(FormatError) -> Void
  ) throws(FormatError) {
    let header = try header(tensors: tensors, metadata: metadata, file: path)
    var file = try AtomicFile(at: path, replacing: replacing)
    try file.write(header.raw)
    for (index, tensor) in tensors.enumerated() {
      let start = file.byteCount
      try content(index) { bytes throws(FormatError) in try file.write(bytes) }
      let (expected, found) = (byteCount(tensor) ?? 0, file.byteCount - start)
      guard found == expected else {
        throw FormatError(
          .badData, file: path, place: "tensor \(quoted(tensor.name))",
          problem: "expected \(expected) bytes to write, found \(found)")
      }
    }
    try file.commit()
  }

  /// Writes a file from tensors that are in memory; otherwise as the streaming form.
  package static func write(
    to path: String, tensors: [(name: String, dtype: DType, shape: [Int], bytes: [UInt8])],
    metadata: [(String, String)], replacing: Bool = false
  ) throws(FormatError) {
    try write(
      to: path, tensors: tensors.map { ($0.name, $0.dtype, $0.shape) }, metadata: metadata,
      replacing: replacing
    ) { index, sink throws(FormatError) in
      let bytes = tensors[index].bytes
      try sink(bytes.raw)
    }
  }
}
