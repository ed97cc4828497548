// What tells a file from another by its name, and from itself after a write.

internal import Glibc

/// A file as the system knows it, without its content: reading does not change it, writing does.
package struct FileIdentity: Sendable, Equatable {
  private let device: UInt64
  private let inode: UInt64
  private let size: Int64
  /// When the content was changed, and when anything was: seconds and nanoseconds. The first can be
  /// put back by anybody, the second cannot.
  private let times: [Int64]

  /// Looks a path up, links followed; nil where nothing can be seen there.
  package init?(of path: String) {
    // C would silently stop at a zero byte and look at another file.
    guard !path.isEmpty, !path.utf8.contains(0) else { return nil }
    var status = stat()
    // Safe: `status` outlives the call, and the path is passed as a C string.
    guard unsafe stat(path, &status) == 0 else { return nil }
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    times = [status.st_mtim, status.st_ctim].flatMap { [Int64($0.tv_sec), Int64($0.tv_nsec)] }
  }

  /// How a later look at the same path differs, in words; nil where it does not, and where another
  /// file or none has the path by now: whoever has the first one open still has its content.
  package func change(until later: FileIdentity?) -> String? {
    guard let later, (device, inode) == (later.device, later.inode), self != later else {
      return nil
    }
    guard size == later.size else { return "expected \(size) bytes, found \(later.size)" }
    return "expected no change since it was opened, found a later one"
  }
}
