// What the system says when a call fails, and the kind of thing that a path names.

internal import Glibc
internal import HHKernels

/// The system's words for an `errno` value, such as "No such file or directory".
package func systemMessage(_ code: Int32) -> String {
  var buffer = [CChar](repeating: 0, count: 256)
  // Safe: the call writes at most `count` bytes, a final zero among them.
  let status = unsafe buffer.withUnsafeMutableBufferPointer { buffer -> Int32 in
    guard let base = buffer.baseAddress else { return ERANGE }
    return unsafe strerror_r(code, base, buffer.count)
  }
  guard status == 0 else { return "system error \(code)" }
  return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// What a path names, links followed.
package enum PathKind: Sendable, Equatable {
  case regularFile
  case directory
  /// A pipe, socket or device, in words.
  case other(String)

  /// Looks a path up; a path that does not exist or cannot be looked at is an error.
  package init(of path: String) throws(FormatError) {
    var status = stat()
    // C would silently stop at a zero byte and look at another file.
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw FormatError(.missingInput, file: quoted(path), problem: "not a usable path")
    }
    // Safe: `status` outlives the call, and the path is passed as a C string.
    guard unsafe stat(path, &status) == 0 else {
      throw FormatError(
        .missingInput, file: path, problem: "cannot be opened: \(systemMessage(errno))")
    }
    self.init(mode: status.st_mode)
  }

  /// Tells the kind from the mode field of a file's status.
  init(mode: mode_t) {
    switch mode & S_IFMT {
    case S_IFREG: self = .regularFile
    case S_IFDIR: self = .directory
    case S_IFIFO: self = .other("a pipe")
    case S_IFSOCK: self = .other("a socket")
    default: self = .other("a device")
    }
  }
}

/// The names in a directory in byte order, without `.` and `..`.
package func directoryEntries(of path: String) throws(FormatError) -> [String] {
  // Safe: the handle is closed on every way out; each entry is copied before the next is read.
  guard let directory = unsafe opendir(path) else {
    throw FormatError(
      .missingInput, file: path, problem: "cannot be opened: \(systemMessage(errno))")
  }
  defer { unsafe closedir(directory) }
  var names: [String] = []
  while true {
    errno = 0
    guard let entry = unsafe readdir(directory) else { break }
    let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != "." && name != ".." { names.append(name) }
  }
  guard errno == 0 else {
    throw FormatError(.io, file: path, problem: "cannot be read: \(systemMessage(errno))")
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// The absolute path with every link followed; a path that does not exist is an error.
package func resolvedPath(_ path: String) throws(FormatError) -> String {
  // Safe: realpath allocates the result, which is copied and then freed.
  guard let resolved = unsafe realpath(path, nil) else {
    throw FormatError(
      .missingInput, file: path, problem: "cannot be opened: \(systemMessage(errno))")
  }
  defer { unsafe free(resolved) }
  return unsafe String(cString: resolved)
}

/// Ends this process when another one ends that started it, even by `kill -9`, and at once where that
/// has ended already.
package func endWithParent(_ parent: Int32) {
  // Where the system knows no such thing the process goes on to its own end.
  _ = endWithParent(by: SIGKILL)
  if getppid() != parent { _exit(128 + SIGKILL) }
}
