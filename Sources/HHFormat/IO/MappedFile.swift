// A file's bytes mapped read-only into memory.

internal import Glibc

/// A regular file mapped read-only into memory; the mapping ends with the object.
///
/// The size is fixed when the file is opened. A file that another program truncates while it is
/// mapped cannot be read safely by anyone: touching a lost page ends the process with SIGBUS.
/// Writers that replace a file by renaming, as ours do, leave the mapped bytes as they were.
package final class MappedFile: Sendable {
  /// The path as given.
  package let path: String
  /// Number of bytes.
  package let count: Int
  /// Start of the mapping as an address; 0 where the file is empty and nothing is mapped. An
  /// integer, because a pointer would not be Sendable.
  private let address: UInt

  /// Maps a file. Directories, pipes and devices are refused, an empty file is allowed.
  ///
  /// Throws `missingInput` where the file does not exist or cannot be opened, `badData` where it is
  /// no regular file, `io` where the system cannot map it.
  package init(at path: String) throws(FormatError) {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw FormatError(.missingInput, file: quoted(path), problem: "not a usable path")
    }
    // Not blocking: opening a pipe without a writer would wait for ever.
    let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw FormatError(
        .missingInput, file: path, problem: "cannot be opened: \(systemMessage(errno))")
    }
    defer { close(descriptor) }
    var status = stat()
    // Safe: `status` outlives the call.
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw FormatError(.io, file: path, problem: "cannot be read: \(systemMessage(errno))")
    }
    switch PathKind(mode: status.st_mode) {
    case .regularFile: break
    case .directory:
      throw FormatError(.badData, file: path, problem: "expected a file, found a directory")
    case .other(let kind):
      throw FormatError(.badData, file: path, problem: "expected a file, found \(kind)")
    }
    self.path = path
    count = Int(status.st_size)
    guard count > 0 else {
      address = 0
      return
    }
    // Safe: a fresh read-only mapping of `count` bytes, which only `deinit` removes.
    let mapping = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
      throw FormatError(
        errno == ENOMEM ? .exhausted : .io, file: path,
        problem: "cannot be mapped: \(systemMessage(errno))")
    }
    address = UInt(bitPattern: mapping)
  }

  deinit {
    guard count > 0 else { return }
    // Safe: the mapping was made by `init` with this size, and no span outlives the object.
    _ = unsafe munmap(UnsafeMutableRawPointer(bitPattern: address), count)
  }

  /// Lets go of the memory behind a range that will not be read again soon: its pages no longer count
  /// as this process's. The bytes stay readable; reading them maps them anew.
  func release(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    // The system maps pages around the one that was asked for, so it takes whole windows back.
    let window = 1 << 16
    let start = range.lowerBound / window * window
    let end = min(count, (range.upperBound + window - 1) / window * window)
    // Safe: the pages lie in the mapping, which starts a page, is never written, and is read again
    // from the file where it is touched again. That the call may fail changes nothing.
    _ = unsafe madvise(
      UnsafeMutableRawPointer(bitPattern: address + UInt(start)), end - start, MADV_DONTNEED)
  }

  /// All bytes of the file.
  package var bytes: RawSpan {
    @_lifetime(borrow self)
    get { bytes(in: 0..<count, lentBy: self) }
  }

  /// The bytes of a range for as long as `owner` lives, which must be an object that keeps this
  /// file alive. The range must lie inside the file.
  @_lifetime(borrow owner)
  func bytes(in range: Range<Int>, lentBy owner: AnyObject) -> RawSpan {
    // Safe: the mapping holds `count` readable bytes as long as `self` lives, and the result
    // cannot outlive it. A buffer without a base is the empty buffer.
    let buffer = unsafe UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: address), count: count)
    let all = unsafe RawSpan(_unsafeBytes: buffer)
    return unsafe _overrideLifetime(all.extracting(range), borrowing: owner)
  }
}
