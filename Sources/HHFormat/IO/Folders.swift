// Making and synchronising folders, and removing files.

internal import Glibc

/// Makes a folder, or keeps an empty one that is there.
///
/// - Throws: `.cannotCreate` where something else has the name or the parent cannot be written to.
package func makeFolder(at path: String) throws(FormatError) {
  // Safe: Swift lends the path as a terminated text during the call.
  guard unsafe mkdir(path, 0o777) != 0 else { return }
  let code = errno
  guard code == EEXIST, try PathKind(of: path) == .directory else {
    throw FormatError(
      .cannotCreate, file: path, problem: "cannot be created: \(systemMessage(code))")
  }
  guard try directoryEntries(of: path).isEmpty else {
    throw FormatError(
      .cannotCreate, file: path, problem: "expected a new or empty folder, found one with files")
  }
}

/// Removes a folder of files; what cannot be removed stays.
package func removeFolder(at path: String) {
  do {
    for name in try directoryEntries(of: path) { removeFile(at: join(path, name)) }
  } catch {
    // What is not there need not be removed.
    return
  }
  // Safe: Swift lends the path as a terminated text during the call.
  _ = unsafe rmdir(path)
}

/// Removes a file; one that is not there, or cannot be removed, stays as it is.
package func removeFile(at path: String) {
  // Safe: Swift lends the path as a terminated text during the call.
  _ = unsafe unlink(path)
}

/// Puts a folder's entries onto the disk, so that a rename in it outlives a power cut.
///
/// - Parameters:
///   - folder: the folder to synchronise.
///   - path: the output that an error names.
/// - Throws: `.io` where the system refuses.
func synchronize(folder: String, for path: String) throws(FormatError) {
  // Safe: Swift lends the path as a terminated text during the call.
  let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else {
    throw FormatError(
      .io, file: path, problem: "open of the folder failed: \(systemMessage(errno))")
  }
  defer { close(descriptor) }
  // Some file systems cannot synchronise a folder and say so with EINVAL; the rename stands.
  guard fsync(descriptor) == 0 || errno == EINVAL else {
    throw FormatError(
      .io, file: path, problem: "fsync of the folder failed: \(systemMessage(errno))")
  }
}
