// Disk space without a name.

internal import Glibc

/// A file for what does not fit into memory: it has no name, and is gone with the value or with the
/// process, however that ends.
package final class ScratchFile: Sendable {
  /// The open file, for mapping.
  package let descriptor: Int32

  /// Creates a file of `byteCount` zeros, all of them reserved: writing to a mapping of it cannot
  /// run out of space.
  ///
  /// - Throws: `cannotCreate` for a folder that cannot be written to, `io` for a full disk.
  package init(in folder: String, byteCount: Int) throws(FormatError) {
    precondition(byteCount >= 0, "ScratchFile: a size")
    var template = Array("\(folder)/.hh-convert-XXXXXX".utf8CString)
    // Safe: the template is null-terminated and the call changes its last six characters only.
    descriptor = unsafe template.withUnsafeMutableBufferPointer { template -> Int32 in
      guard let base = template.baseAddress else { return -1 }
      let descriptor = unsafe mkstemp(base)
      if descriptor >= 0 { unsafe unlink(base) }
      return descriptor
    }
    guard descriptor >= 0 else {
      throw FormatError(
        .cannotCreate, file: folder,
        problem: "a scratch file cannot be created: \(systemMessage(errno))")
    }
    guard byteCount > 0 else { return }
    let code = posix_fallocate(descriptor, 0, byteCount)
    guard code == 0 else {
      throw FormatError(
        .io, file: folder,
        problem: "\(byteCount) bytes of scratch space: \(systemMessage(code))")
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }
}
