// A log: a file that only grows, line by line.

internal import Glibc

/// A text file that lines are appended to, each with one system call, so that a killed process
/// leaves at most its last line torn.
package final class AppendedFile: Sendable {
  private let path: String
  private let descriptor: Int32

  /// Opens a file for appending and creates it if need be. A torn last line is cut off.
  ///
  /// - Throws: `.cannotCreate` where the file cannot be opened, `.io` where it cannot be mended.
  package init(at path: String) throws(FormatError) {
    self.path = path
    // Safe: Swift lends the path as a terminated text during the call.
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw FormatError(
        .cannotCreate, file: path, problem: "cannot be opened: \(systemMessage(errno))")
    }
    var end = lseek(descriptor, 0, SEEK_END)
    var byte: UInt8 = 0
    // Safe: one byte is read into a variable of one byte.
    while end > 0, unsafe pread(descriptor, &byte, 1, end - 1) == 1, byte != UInt8(ascii: "\n") {
      end -= 1
    }
    guard end >= 0, ftruncate(descriptor, end) == 0 else {
      throw FormatError(.io, file: path, problem: "cannot be read: \(systemMessage(errno))")
    }
  }

  deinit { close(descriptor) }

  /// Appends a text, which ends with a line's end.
  ///
  /// - Throws: `.io`, such as for a full disk.
  package func append(_ text: String) throws(FormatError) {
    let bytes = Array(text.utf8)
    // Safe: the system call reads the bytes of the array during the call only.
    let count = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    guard count == bytes.count else {
      throw FormatError(.io, file: path, problem: "write failed: \(systemMessage(errno))")
    }
  }
}
