// A file that one process at a time may hold.

internal import Glibc

/// The lock of a file: held as long as the value lives, and given back by the system where its
/// process is killed.
package final class FileLock: Sendable {
  private let descriptor: Int32

  /// Takes the lock of a file, which is created if need be; its content stays as it is. Nil where it
  /// is held already. Where the file system has no locks, nobody is kept out.
  ///
  /// - Throws: `.cannotCreate` where the file cannot be opened.
  package init?(of path: String) throws(FormatError) {
    // Safe: Swift lends the path as a terminated text during the call.
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw FormatError(
        .cannotCreate, file: path, problem: "cannot be opened: \(systemMessage(errno))")
    }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return nil }
  }

  deinit { close(descriptor) }
}
