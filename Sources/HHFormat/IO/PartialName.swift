// The hidden names that outputs have until they are complete, and what killed processes left of them.

internal import Glibc

/// The name `.NAME.HOST.PID.partial` of an output that is being written, a sibling of the output.
///
/// Whoever writes holds the lock of the file or folder. So what a killed process left behind can be
/// told from what a living one still needs: nobody holds the lock, and no process of this machine has
/// the number. What another machine writes into a shared folder has another name and is left alone.
enum PartialName {
  /// Creates what gets the name, and removes what killed processes left of the same output.
  ///
  /// - Parameters:
  ///   - output: The path of the output.
  ///   - create: Makes a file or folder at a path and opens it; negative with `errno` where that
  ///     fails.
  /// - Returns: The path, and what `create` opened, which holds the lock until it is closed.
  /// - Throws: `.cannotCreate`.
  static func create(
    for output: String, _ create: (String) -> Int32
  ) throws(FormatError) -> (path: String, descriptor: Int32) {
    let folder = directory(of: output)
    let prefix = prefix(of: lastComponent(of: output))
    removeAbandoned(in: folder, prefix: prefix)
    var path = join(folder, "\(prefix)\(getpid()).partial")
    var descriptor = create(path)
    // The plain name is taken where this process writes the same output twice.
    for attempt in 1..<100 where descriptor < 0 && errno == EEXIST {
      path = join(folder, "\(prefix)\(getpid())-\(attempt).partial")
      descriptor = create(path)
    }
    guard descriptor >= 0 else {
      throw FormatError(
        .cannotCreate, file: output, problem: "cannot be created: \(systemMessage(errno))")
    }
    // Where the file system has no locks, the number of the process has to do.
    _ = flock(descriptor, LOCK_EX | LOCK_NB)
    return (path, descriptor)
  }

  /// `.NAME.HOST.`; a name may have 255 bytes, so that a long one is cut.
  private static func prefix(of name: String) -> String {
    var stem = name
    while stem.utf8.count > 150 { stem.removeLast() }
    return ".\(stem).\(hostName)."
  }

  /// This machine's name, without what no file's name can have and without its domain.
  static var hostName: String {
    var buffer = [CChar](repeating: 0, count: 64)
    // Safe: the call writes at most the bytes of the array.
    let status = unsafe buffer.withUnsafeMutableBufferPointer { buffer -> Int32 in
      guard let base = buffer.baseAddress else { return -1 }
      return unsafe gethostname(base, buffer.count - 1)
    }
    guard status == 0 else { return "localhost" }
    let bytes = buffer.map { UInt8(bitPattern: $0) }
      .prefix { $0 != 0 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ".") }
    return bytes.isEmpty ? "localhost" : String(decoding: bytes, as: UTF8.self)
  }
}

/// Removes what killed processes of this machine left of outputs in a folder.
package func removeAbandoned(in folder: String) {
  removeAbandoned(in: folder, prefix: ".")
}

private func removeAbandoned(in folder: String, prefix: String) {
  let names: [String]
  do { names = try directoryEntries(of: folder) } catch { return }
  for name in names where name.hasPrefix(prefix) && name.hasSuffix(".partial") {
    let parts = name.split(separator: ".")
    // What comes before the ending: PID or PID-ATTEMPT, and the machine's name before that.
    guard parts.count >= 4, parts[parts.count - 3] == PartialName.hostName,
      let process = parts[parts.count - 2].split(separator: "-").first.flatMap({ pid_t($0) }),
      process > 0, kill(process, 0) != 0, errno == ESRCH
    else { continue }
    let path = join(folder, name)
    // Safe: Swift lends the path as a terminated text during the call.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { continue }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else { continue }
    removeFile(at: path)
    removeFolder(at: path)
  }
}
