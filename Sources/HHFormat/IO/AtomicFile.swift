// A file that appears under its name only when it is complete and on disk.

internal import Glibc

/// A new file, written front to back (but for `overwrite`) and published by `commit()`.
///
/// The bytes go to a hidden sibling, which has a `PartialName`. `commit()` forces them to disk, gives
/// the file its name and forces the folder to disk, so after a crash at any moment the name holds what
/// it held before or the whole new file. A file that is replaced leaves its mode to the new one.
/// Without `commit()` the sibling is removed when the value goes; only a killed process leaves one
/// behind, which the next one that writes the same output removes.
package struct AtomicFile: ~Copyable {
  /// Bytes written so far.
  package private(set) var byteCount = 0

  private let path: String
  private let folder: String
  private let temporaryPath: String
  private let replacing: Bool
  /// Negative once the file is committed or discarded.
  private var descriptor: Int32

  /// Creates the sibling file.
  ///
  /// Throws `.cannotCreate` where `path` exists and `replacing` is false, where it is something
  /// else than a regular file or must not be replaced by this user, where no file can have the name,
  /// or where its folder cannot be written to.
  package init(at path: String, replacing: Bool) throws(FormatError) {
    let (folder, name) = Self.split(path)
    guard !name.isEmpty, name != ".", name != ".." else {
      throw FormatError(
        .cannotCreate, file: path.isEmpty ? "''" : path, problem: "expected the name of a file")
    }
    try Self.checkTarget(path, replacing: replacing)
    let (temporaryPath, descriptor) = try PartialName.create(for: path, Self.create)
    self.path = path
    self.folder = folder
    self.temporaryPath = temporaryPath
    self.replacing = replacing
    self.descriptor = descriptor
  }

  deinit {
    if descriptor >= 0 {
      close(descriptor)
      remove(temporaryPath)
    }
  }

  /// Appends bytes. Throws `.io`, naming a full disk as such; the file is then discarded.
  package mutating func write(_ bytes: RawSpan) throws(FormatError) {
    precondition(descriptor >= 0, "write to a file that is committed or discarded")
    var offset = 0
    while offset < bytes.byteCount {
      // Safe: the system call reads the bytes of the span during the call only.
      let count = unsafe bytes.extracting(offset..<bytes.byteCount).withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw fail("write", errno) }
      offset += count
    }
    byteCount += bytes.byteCount
  }

  /// Replaces bytes that were written already. Throws `.io`; the file is then discarded.
  package mutating func overwrite(at start: Int, _ bytes: RawSpan) throws(FormatError) {
    precondition(descriptor >= 0, "write to a file that is committed or discarded")
    precondition(start >= 0 && start + bytes.byteCount <= byteCount, "bytes that were not written")
    var offset = 0
    while offset < bytes.byteCount {
      // Safe: the system call reads the bytes of the span during the call only.
      let count = unsafe bytes.extracting(offset..<bytes.byteCount).withUnsafeBytes {
        unsafe pwrite(descriptor, $0.baseAddress, $0.count, start + offset)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw fail("write", errno) }
      offset += count
    }
  }

  /// Forces what was written to disk, so that `commit()` has only the name left to give. Throws `.io`;
  /// the file is then discarded.
  package mutating func flush() throws(FormatError) {
    precondition(descriptor >= 0, "flush of a file that is committed or discarded")
    guard fsync(descriptor) == 0 else { throw fail("fsync", errno) }
  }

  /// Puts the file on disk under its name. Throws `.io` or, where the name was taken meanwhile,
  /// `.cannotCreate`; the file is then discarded.
  package mutating func commit() throws(FormatError) {
    precondition(descriptor >= 0, "commit of a file that is committed or discarded")
    if replacing { keepMode(of: path, on: descriptor) }
    try flush()
    if replacing {
      guard move(temporaryPath, to: path) else { throw fail("rename", errno) }
    } else if addName(path, to: temporaryPath) {
      // A link, unlike a rename, never replaces a file that appeared meanwhile.
      remove(temporaryPath)
    } else {
      // Some file systems have no links; there a check just before the rename must do.
      let code = errno
      guard code == EPERM || code == EOPNOTSUPP || code == ENOSYS else {
        throw code == EEXIST ? takenMeanwhile() : fail("link", code)
      }
      guard !exists(path) else { throw takenMeanwhile() }
      guard move(temporaryPath, to: path) else { throw fail("rename", errno) }
    }
    close(descriptor)
    descriptor = -1
    try synchronize(folder: folder, for: path)
  }

  /// Removes what was written. Does nothing after `commit()` or a second time.
  package mutating func discard() {
    guard descriptor >= 0 else { return }
    close(descriptor)
    remove(temporaryPath)
    descriptor = -1
  }

  private mutating func fail(_ call: String, _ code: Int32) -> FormatError {
    discard()
    guard code == ENOSPC || code == EDQUOT || code == EFBIG else {
      return FormatError(.io, file: path, problem: "\(call) failed: \(systemMessage(code))")
    }
    return FormatError(
      .io, file: path,
      problem: "no space left: \(call) failed after \(byteCount) bytes: \(systemMessage(code))",
      hint: "free some space or write to another disk; nothing was left behind")
  }

  private mutating func takenMeanwhile() -> FormatError {
    discard()
    return Self.existing(path)
  }

  /// Folder and last component of a path; the folder of a plain name is `.`.
  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/." : String(folder), String(path[path.utf8.index(after: slash)...]))
  }

  private static func checkTarget(_ path: String, replacing: Bool) throws(FormatError) {
    guard try isTaken(output: path) else { return }
    guard isReplaceableFile(path) else {
      throw FormatError(
        .cannotCreate, file: path, problem: "expected a regular file, found a folder or a device")
    }
    guard replacing else { throw existing(path) }
    try requireReplaceable(path)
  }

  private static func existing(_ path: String) -> FormatError {
    FormatError(
      .cannotCreate, file: path, problem: "the output exists already",
      remedy: "choose another name, or replace it with \(.force)")
  }

  private static func create(_ path: String) -> Int32 {
    // Safe: Swift lends the path as a terminated text during the call.
    unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
  }
}

// The system's calls on paths. Safe (each): Swift lends the path as a terminated text during the
// call, and none of them keeps it.

private func remove(_ path: String) { _ = unsafe unlink(path) }

private func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

private func move(_ source: String, to target: String) -> Bool {
  unsafe rename(source, target) == 0
}

private func addName(_ name: String, to file: String) -> Bool { unsafe link(file, name) == 0 }
