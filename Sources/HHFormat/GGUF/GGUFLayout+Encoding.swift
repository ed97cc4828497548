// Encoding a tensor for a GGUF file, a band of rows at a time.

extension GGUFLayout.Tensor {
  /// Elements of a band of rows: many enough for a kernel, few beside a large tensor.
  private static let bandElements = 1 << 18

  /// Whether the tensor can be stored in a type, converted or unchanged.
  package func canBeStored(as type: GGMLType) -> Bool {
    source.dtype.isComputable || type.dtype == source.dtype
  }

  /// Whether the blocks of a quantised tensor of a checkpoint can be stored as they are: a row of
  /// the file is a row of the checkpoint.
  package var keepsBlocks: Bool { order != .transposed }

  /// Brings blocks, whose rows are in the checkpoint's order, into the file's.
  ///
  /// - Parameters:
  ///   - blocks: All blocks of the tensor; see `Checkpoint.withBlocks`.
  ///   - sink: Takes the bytes in order.
  /// - Throws: What `sink` throws.
  package func store(blocks: RawSpan, to sink: ByteSink) throws(FormatError) {
    guard order != .asStored else { return try sink(blocks) }
    let rowBytes = blocks.byteCount / max(1, rowCount)
    for start in stride(from: 0, to: rowCount, by: 256) {
      var band: [UInt8] = []
      for row in start..<min(rowCount, start + 256) {
        let source = sourceRow(row)
        band += blocks.extracting(source * rowBytes..<(source + 1) * rowBytes).copied()
      }
      try sink(band.raw)
    }
  }

  /// Encodes the tensor band by band. Elements that keep their type are copied bit for bit.
  ///
  /// - Parameters:
  ///   - type: The type to store. Rows are whole blocks of a quantised type.
  ///   - bytes: The tensor in the checkpoint, row-major and little-endian.
  ///   - file: The checkpoint, for messages.
  ///   - sink: Takes the bytes in order.
  /// - Throws: `badData` naming the tensor and the first element that the type cannot hold: NaN or
  ///   infinity in a quantised type, a magnitude above 65504 in F16 and quantised types;
  ///   `unsupported` where the elements are not floats of up to 32 bits; what `sink` throws.
  package func encode(
    as type: GGMLType, _ bytes: RawSpan, file: String, to sink: ByteSink
  ) throws(FormatError) {
    guard canBeStored(as: type) else {
      throw FormatError(
        .unsupported, file: file, place: "tensor \(quoted(source.name))",
        problem: "expected F32, F16 or BF16 to store as \(type.name), found "
          + source.dtype.rawValue)
    }
    let (rows, columns) = (rowCount, columnCount)
    let band = max(1, Self.bandElements / max(1, columns))
    for start in stride(from: 0, to: rows, by: band) {
      let range = start..<min(rows, start + band)
      let elements = self.rows(range, of: bytes)
      if type.dtype == source.dtype {
        try sink(elements.raw)
        continue
      }
      var values = [Float](repeating: 0, count: range.count * columns)
      var output = values.mutableSpan
      _ = source.dtype.convert(elements.raw, to: &output)
      let span = values.span
      if let index = type.firstUnstorable(in: span) {
        throw FormatError(
          .badData, file: file, place: "tensor \(quoted(source.name))",
          problem: "expected "
            + (type.dtype == nil ? "finite values of at most " : "magnitudes below ")
            + (type.dtype == nil ? "65504" : "65520") + " to store as \(type.name), found "
            + "\(span[index]) in row \(range.lowerBound + index / max(1, columns)) of its GGUF form",
          remedy: "keep the type with \(.dtype, "keep"), or choose f32")
      }
      guard let encoded = type.encode(span) else {
        throw FormatError(
          .unsupported, file: file, place: "tensor \(quoted(source.name))",
          problem: "expected a type that can be written, found \(type.name)")
      }
      try sink(encoded.raw)
    }
  }
}
