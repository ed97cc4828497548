// Whole files read at once: for tokenizers and data, which are small beside the weights.

internal import Glibc
internal import HHFormat

/// Whether a path names something that exists.
func fileExists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

/// `name` inside `directory`.
func path(_ name: String, in directory: String) -> String {
  directory.isEmpty || directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
}

/// The bytes of a file.
func readFile(_ path: String) throws(FormatError) -> [UInt8] {
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else {
    let reason = systemMessage(errno)
    throw FormatError(.missingInput, file: path, problem: "cannot be opened: \(reason)")
  }
  defer { close(descriptor) }
  var status = stat()
  guard unsafe fstat(descriptor, &status) == 0 else {
    throw FormatError(.io, file: path, problem: "cannot be examined: \(systemMessage(errno))")
  }
  guard status.st_mode & S_IFMT == S_IFREG else {
    throw FormatError(.missingInput, file: path, problem: "is not a regular file")
  }
  var bytes = [UInt8](repeating: 0, count: status.st_size)
  var filled = 0
  while filled < bytes.count {
    // Safe: the pointer and the remaining count come from the same live buffer.
    let count = unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe read(descriptor, buffer.baseAddress.map { unsafe $0 + filled }, buffer.count - filled)
    }
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else {
      throw FormatError(.io, file: path, problem: "cannot be read: \(systemMessage(errno))")
    }
    // A file that shrank while it was read ends here.
    if count == 0 { break }
    filled += count
  }
  bytes.removeSubrange(filled...)
  return bytes
}

/// The text of a file, which must be UTF-8.
func readText(_ path: String) throws(FormatError) -> String {
  try validText(readFile(path), file: path)
}

/// Bytes as text; an error names the first byte that is not UTF-8.
func validText(_ bytes: [UInt8], file: String) throws(FormatError) -> String {
  if let text = String(validating: bytes, as: UTF8.self) { return text }
  var decoder = Unicode.UTF8.ForwardParser()
  var iterator = bytes.makeIterator()
  var offset = 0
  scan: while true {
    switch decoder.parseScalar(from: &iterator) {
    case .valid(let scalar): offset += scalar.count
    case .error, .emptyInput: break scan
    }
  }
  throw FormatError(
    .badData, file: file, place: "byte \(offset)", problem: "not valid UTF-8",
    hint: "text must be UTF-8; token ids go into .npy or .bin files")
}

/// The system's words for an error number.
func systemMessage(_ code: Int32) -> String {
  // Safe: strerror returns a terminated string that stays valid until the next call; it is copied.
  unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
