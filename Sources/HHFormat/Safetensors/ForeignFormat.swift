// Files that people take for a checkpoint, told apart by their first bytes.

/// A known format that this program does not read as a checkpoint.
///
/// Asked only once a file is known not to be safetensors: the first eight bytes of that format are
/// a number, which may look like anything.
enum ForeignFormat: CaseIterable {
  case gguf, numPy, keras, zip, pickle, zstandard, gzip, hdf5, onnx, tensorFlow, tensorFlowLite
  case messagePack, largeFilePointer, json, text

  /// How the names of weights in these formats end.
  static let endings = [
    ".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".keras", ".onnx", ".pb", ".tflite", ".msgpack",
    ".npz", ".npy",
  ]

  /// Recognises a file by its first bytes, and by its name where they leave it open; nil where
  /// neither says anything.
  init?(of bytes: RawSpan, name: String) {
    let head = bytes.extracting(first: 64).copied()
    let found = ForeignFormat.allCases.first { $0.matches(head, name) }
    guard let found else { return nil }
    self = found
  }

  private func matches(_ head: [UInt8], _ name: String) -> Bool {
    let isZip = head.starts(with: [0x50, 0x4B, 0x03, 0x04])
    // The name of a zip archive's first entry follows 30 bytes of its header.
    let entry = isZip ? String(decoding: head.dropFirst(30), as: UTF8.self) : ""
    // Two fields of a protocol buffer: a small number, then a text or a message.
    let isMessage = head.count > 2 && head[0] == 0x08 && head[2] == 0x12
    return switch self {
    case .gguf: head.starts(with: "GGUF".utf8)
    case .numPy: head.starts(with: [0x93] + "NUMPY".utf8) || entry.contains(".npy")
    case .keras: isZip && (name.hasSuffix(".keras") || entry.hasPrefix("metadata.json"))
    case .zip: isZip
    case .pickle: head.count > 1 && head[0] == 0x80 && (2...5).contains(head[1])
    case .zstandard: head.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
    case .gzip: head.starts(with: [0x1F, 0x8B])
    case .hdf5: head.starts(with: [0x89, 0x48, 0x44, 0x46])
    case .onnx: name.hasSuffix(".onnx") || (isMessage && head[1] > 1 && head[1] < 32)
    case .tensorFlow:
      name.hasSuffix(".pb") || name.contains(".ckpt.") || (isMessage && head[1] == 1)
    case .tensorFlowLite: head.dropFirst(4).starts(with: "TFL3".utf8)
    case .messagePack:
      name.hasSuffix(".msgpack") || head.first.map { $0 == 0xDE || $0 == 0xDF } ?? false
    case .largeFilePointer: head.starts(with: "version https://git-lfs".utf8)
    case .json: head.first { !" \n\r\t".utf8.contains($0) } == UInt8(ascii: "{")
    case .text: !head.isEmpty && head.allSatisfy { (0x20..<0x7F).contains($0) || (9...13) ~= $0 }
    }
  }

  /// Says what the file is and what to do about it.
  func error(file: String) -> FormatError {
    let other = "convert it to safetensors first"
    let loader = "\(other): load the model with transformers and call save_pretrained"
    let (kind, found, hint): (FormatError.Kind, String, String?) =
      switch self {
      case .gguf:
        (.badData, "GGUF", "a GGUF model is opened by its own path, without an index")
      case .numPy: (.unsupported, "NumPy arrays", other)
      case .keras: (.unsupported, "a Keras archive", other)
      case .zip, .pickle:
        (
          .unsupported, "a PyTorch pickle or zip archive",
          "\(other), for example with save_file of the Python package "
            + "safetensors; pickles can run code and are never opened here"
        )
      case .zstandard:
        (.unsupported, "a zstd stream", "a converted artifact is not a checkpoint to convert")
      case .gzip: (.unsupported, "a gzip stream", "decompress it first")
      case .hdf5: (.unsupported, "HDF5 (Keras, TensorFlow)", loader)
      case .onnx:
        (.unsupported, "ONNX, a graph for running", "take the model that it was exported from")
      case .tensorFlow: (.unsupported, "a TensorFlow model", loader)
      case .tensorFlowLite:
        (.unsupported, "TensorFlow Lite", "take the model that it was exported from")
      case .messagePack: (.unsupported, "MessagePack (Flax, JAX)", loader)
      case .largeFilePointer:
        (.badData, "a Git LFS pointer in place of the file", "run 'git lfs pull' to fetch it")
      case .json:
        (.badData, "JSON text", "an index is recognised by its name, '*.index.json'")
      case .text: (.badData, "text", nil)
      }
    return FormatError(
      kind, file: file, problem: "not a checkpoint: expected safetensors, found \(found)",
      hint: hint)
  }
}
