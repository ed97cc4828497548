// The safetensors header inside an artifact: the manifest and the table of stored tensors.

/// Writing and reading an artifact's first frame.
enum ArtifactHeader {
  /// The metadata key of the manifest.
  static let manifestKey = "hedgehog"

  /// The header as the first frame's content: length, JSON, padding.
  static func encoded(_ manifest: ArtifactManifest, file: String) throws(FormatError) -> [UInt8] {
    let text = manifest.json.text
    // What is written must be readable: this refuses a digest or name of the wrong form, too.
    _ = try ArtifactManifest(parsing: text, file: file)
    return try SafetensorsWriter.header(
      tensors: manifest.tensors.map { ($0.name, $0.storedDType, $0.storedShape) },
      metadata: [("format", "pt"), (manifestKey, text)], file: file)
  }

  /// Reads the first frame's content, where all frames after it have `dataCount` bytes together.
  ///
  /// Throws where the header is not a safetensors header of that much data, where there is no
  /// manifest, or where the two disagree about any tensor.
  static func parse(
    _ content: [UInt8], dataCount: Int, file: String
  ) throws(FormatError) -> ArtifactManifest {
    let prefix = 8
    func problem(_ text: String) -> FormatError {
      FormatError(.badData, file: file, place: "header", problem: text)
    }
    guard content.count >= prefix else { throw problem("expected a length of 8 bytes") }
    let length = content.raw.littleEndian64(at: 0)
    guard length == UInt64(content.count - prefix) else {
      throw problem("expected a header of \(content.count - prefix) bytes, found length \(length)")
    }
    let header = try SafetensorsHeader.parse(
      content.span.extracting(prefix..<content.count), dataCount: dataCount,
      dataStart: content.count, file: file)
    guard let text = header.metadata(manifestKey) else {
      throw FormatError(
        .badData, file: file, place: "header",
        problem: "expected a manifest in '__metadata__.\(manifestKey)', found none",
        hint: "this is a compressed safetensors file, but not an artifact")
    }
    let manifest = try ArtifactManifest(parsing: text, file: file)
    try check(header.tensors, against: manifest, file: file)
    return manifest
  }

  /// The stored tensors must be the manifest's, in its order.
  private static func check(
    _ stored: [TensorDescriptor], against manifest: ArtifactManifest, file: String
  ) throws(FormatError) {
    guard stored.count == manifest.tensors.count else {
      throw FormatError(
        .badData, file: file, place: "manifest",
        problem: "expected \(stored.count) tensors as in the header, "
          + "found \(manifest.tensors.count)")
    }
    // Tensors without bytes share their place with others, so the header's order is not unique.
    var found: [ByteKey: TensorDescriptor] = [:]
    for tensor in stored { found[ByteKey(tensor.name)] = tensor }
    var position = stored.first?.byteRange.lowerBound ?? 0
    for tensor in manifest.tensors {
      func problem(_ text: String) -> FormatError {
        FormatError(
          .badData, file: file, place: "tensor \(quoted(tensor.name))", problem: text)
      }
      guard let entry = found[ByteKey(tensor.name)] else {
        throw problem("named in the manifest, but not stored")
      }
      guard entry.dtype == tensor.storedDType, entry.shape == tensor.storedShape else {
        throw problem(
          "expected \(tensor.storedDType.rawValue) \(tensor.storedShape) for its layout, "
            + "found \(entry.dtype.rawValue) \(entry.shape)")
      }
      guard entry.byteRange.lowerBound == position else {
        throw problem(
          "expected at byte \(position) by the manifest's order, "
            + "found at \(entry.byteRange.lowerBound)")
      }
      position = entry.byteRange.upperBound
    }
  }
}

extension ArtifactManifest.Tensor {
  /// The element type in the stored table: planes and blocks are bytes.
  fileprivate var storedDType: DType { layout == .interleaved ? dtype : .u8 }

  /// The shape in the stored table: planes come first, and a row of blocks is a row of bytes.
  fileprivate var storedShape: [Int] {
    switch layout {
    case .interleaved: shape
    case .planes: [layout.planeCount(of: dtype)] + shape
    case .blocks:
      shape.dropLast()
        + [blockType.flatMap { $0.byteCount(ofElements: shape.last ?? 0) } ?? 0]
    }
  }
}
