// A log: a file that only grows, line by line.

internal import Glibc

/// A text file that lines are appended to, each with one system call, so that a killed process
/// leaves at most its last line torn.
package final class AppendedFile: Sendable {
  private static let maximumLine = 1 << 20
  private let path: String
  private let descriptor: Int32

  /// Opens a file for appending and creates it if need be. A torn last line is cut off.
  ///
  /// - Throws: `.cannotCreate` where the file cannot be opened, `.io` where it cannot be mended,
  ///   `.badData` where it ends in what is no line of a log.
  package init(at path: String) throws(FormatError) {
    self.path = path
    // Safe: Swift lends the path as a terminated text during the call.
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw FormatError(
        .cannotCreate, file: path, problem: "cannot be opened: \(systemMessage(errno))")
    }
    var status = stat()
    // Safe: `status` outlives the call.
    guard unsafe fstat(descriptor, &status) == 0, case .regularFile = PathKind(mode: status.st_mode)
    else {
      throw FormatError(
        .cannotCreate, file: path, problem: "expected a file to append to, found something else")
    }
    // A torn line is cut off, but nothing that is no line of ours.
    guard let end = lineEnd(before: Int(status.st_size)) else {
      throw FormatError(
        .badData, file: path,
        problem: "expected lines of at most \(Self.maximumLine) bytes, found a longer one")
    }
    guard ftruncate(descriptor, end) == 0 else {
      throw FormatError(.io, file: path, problem: "cannot be read: \(systemMessage(errno))")
    }
  }

  /// Where the last line ends that ends before an offset: the offset behind it, or 0; nil where more
  /// bytes than a line has lie between. No more than those are read.
  private func lineEnd(before offset: Int) -> Int? {
    var window = [UInt8](repeating: 0, count: 1 << 16)
    var end = offset
    while end > 0 {
      let start = max(0, end - window.count)
      // Safe: the call writes at most the bytes of the array.
      let count = unsafe window.withUnsafeMutableBytes {
        unsafe pread(descriptor, $0.baseAddress, end - start, start)
      }
      guard count == end - start else { return end }
      if let index = window[..<count].lastIndex(of: UInt8(ascii: "\n")) {
        end = start + index + 1
        return offset - end <= Self.maximumLine ? end : nil
      }
      end = start
      if offset - end > Self.maximumLine { return nil }
    }
    return 0
  }

  /// Whether the last line with anything in it begins with `prefix`; however long the file is, a small
  /// part of it is read.
  package func lastLineBegins(with prefix: String) -> Bool {
    guard var end = lineEnd(before: Int(lseek(descriptor, 0, SEEK_END))),
      var start = lineEnd(before: end - 1)
    else { return false }
    while end > 0 && end - start <= 1 {
      end = start
      guard let next = lineEnd(before: end - 1) else { return false }
      start = next
    }
    var bytes = [UInt8](repeating: 0, count: prefix.utf8.count)
    // Safe: the call writes at most the bytes of the array.
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, start)
    }
    return count == bytes.count && bytes.elementsEqual(prefix.utf8)
  }

  deinit { close(descriptor) }

  /// Appends a text, which ends with a line's end.
  ///
  /// - Throws: `.io`, such as for a full disk.
  package func append(_ text: String) throws(FormatError) { try append(Array(text.utf8)) }

  /// Appends bytes of a file that has no lines.
  ///
  /// - Throws: As for a text.
  package func append(_ bytes: [UInt8]) throws(FormatError) {
    // Safe: the system call reads the bytes of the array during the call only.
    let count = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    guard count == bytes.count else {
      throw FormatError(.io, file: path, problem: "write failed: \(systemMessage(errno))")
    }
  }
}
