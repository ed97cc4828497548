// Files that people take for a checkpoint, told apart by their first bytes.

/// A known format that this program does not read as a checkpoint.
///
/// Asked only once a file is known not to be safetensors: the first eight bytes of that format are
/// a number, which may look like anything.
enum ForeignFormat: CaseIterable {
  case gguf, zip, pickle, zstandard, gzip, hdf5, largeFilePointer, json, text

  /// Recognises a file by its first bytes; nil where they say nothing.
  init?(of bytes: RawSpan) {
    let head = bytes.extracting(first: 64).copied()
    let found = ForeignFormat.allCases.first { $0.matches(head) }
    guard let found else { return nil }
    self = found
  }

  private func matches(_ head: [UInt8]) -> Bool {
    switch self {
    case .gguf: head.starts(with: "GGUF".utf8)
    case .zip: head.starts(with: [0x50, 0x4B, 0x03, 0x04])
    case .pickle: head.count > 1 && head[0] == 0x80 && (2...5).contains(head[1])
    case .zstandard: head.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
    case .gzip: head.starts(with: [0x1F, 0x8B])
    case .hdf5: head.starts(with: [0x89, 0x48, 0x44, 0x46])
    case .largeFilePointer: head.starts(with: "version https://git-lfs".utf8)
    case .json: head.first { !" \n\r\t".utf8.contains($0) } == UInt8(ascii: "{")
    case .text: !head.isEmpty && head.allSatisfy { (0x20..<0x7F).contains($0) || (9...13) ~= $0 }
    }
  }

  /// Says what the file is and what to do about it.
  func error(file: String) -> FormatError {
    let (kind, found, hint): (FormatError.Kind, String, String?) =
      switch self {
      case .gguf:
        (.badData, "GGUF", "a GGUF model is opened by its own path, without an index")
      case .zip, .pickle:
        (
          .unsupported, "a PyTorch pickle or zip archive",
          "convert it to safetensors first, for example with save_file of the Python package "
            + "safetensors; pickles can run code and are never opened here"
        )
      case .zstandard:
        (.unsupported, "a zstd stream", "a converted artifact is not a checkpoint to convert")
      case .gzip: (.unsupported, "a gzip stream", "decompress it first")
      case .hdf5: (.unsupported, "HDF5 (Keras, TensorFlow)", "convert it to safetensors first")
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
