// A folder in which an output is built, to appear under its name only when it is complete.

internal import Glibc
internal import HHKernels

/// A hidden sibling of an output, with a `PartialName`, that holds files until they are published: as
/// a folder under the output's name, or one of them as a file.
///
/// Whatever is not published is removed when the value goes; only a killed process leaves it behind,
/// and the next one that writes the same output removes it. The files inside were forced to disk by
/// whoever wrote them.
package struct StagingFolder: ~Copyable {
  /// The folder's own path.
  package let path: String
  private let output: String
  private let parent: String
  private let isFile: Bool
  private let replacing: Bool
  /// The open folder, whose lock says that it is still needed.
  private let descriptor: Int32

  /// Creates the folder.
  ///
  /// - Parameters:
  ///   - output: The name to publish under.
  ///   - isFile: Whether one file is going to be published, else the folder.
  ///   - replacing: Whether what has the name already gives way.
  /// - Throws: `.cannotCreate` where `output` exists and `replacing` is false, where it is of
  ///   another kind than what is to be published, where it is a folder that does not look like an
  ///   exported model, where nothing can have the name, or where its parent cannot be written to.
  package init(
    for output: String, isFile: Bool = false, replacing: Bool
  ) throws(FormatError) {
    let trimmed = withoutTrailingSlashes(output)
    let (parent, name) = (directory(of: trimmed), lastComponent(of: trimmed))
    guard !name.isEmpty, name != ".", name != ".." else {
      throw FormatError(
        .cannotCreate, file: output.isEmpty ? "''" : output,
        problem: "expected the name of a new file or folder")
    }
    if try isTaken(output: trimmed) {
      try Self.checkReplaceable(trimmed, isFile: isFile, replacing: replacing)
    }
    let (path, descriptor) = try PartialName.create(for: trimmed) { path in
      makeFolder(path) ? openFolder(path) : -1
    }
    self.descriptor = descriptor
    self.path = path
    self.output = trimmed
    self.parent = parent
    self.isFile = isFile
    self.replacing = replacing
  }

  deinit {
    close(descriptor)
    HHFormat.removeFolder(at: path)
  }

  /// The path of a file inside.
  package func path(_ name: String) -> String { join(path, name) }

  /// Writes a whole file.
  package func write(_ bytes: [UInt8], to name: String) throws(FormatError) {
    var file = try AtomicFile(at: path(name), replacing: false)
    try file.write(bytes.raw)
    try file.commit()
  }

  /// Puts the folder under the output's name, in the place of an older export.
  package consuming func publish() throws(FormatError) {
    guard !isTaken(output) || replacing else { throw Self.existing(output) }
    try synchronize(folder: path, for: output)
    if isTaken(output) {
      // Checked again: hours may lie between the beginning and the end.
      try Self.checkReplaceable(output, isFile: isFile, replacing: replacing)
      keepMode(of: output, on: descriptor)
      guard exchange(path, output) else { throw failed("rename") }
    } else {
      // Fails where a folder with files appeared meanwhile.
      guard move(path, to: output) else {
        throw errno == EEXIST || errno == ENOTEMPTY ? Self.existing(output) : failed("rename")
      }
    }
    try synchronize(folder: parent, for: output)
  }

  /// Puts one file of the folder under the output's name, in the place of an older file.
  package consuming func publish(file name: String) throws(FormatError) {
    guard !isFolder(output) else {
      throw FormatError(.cannotCreate, file: output, problem: "expected a file, found a folder")
    }
    if replacing { keepMode(ofFile: output, on: path(name)) }
    let moved =
      replacing ? move(path(name), to: output) : moveWithoutReplacing(path(name), to: output)
    guard moved else { throw errno == EEXIST ? Self.existing(output) : failed("rename") }
    try synchronize(folder: parent, for: output)
  }

  private func failed(_ call: String) -> FormatError {
    FormatError(.io, file: output, problem: "\(call) failed: \(systemMessage(errno))")
  }

  /// `--force` must not cost anyone a home directory: only a folder of plain files with a
  /// `config.json` or tensors among them, or an empty one, gives way. A link to a folder does not: no
  /// folder can be renamed over it.
  private static func checkReplaceable(
    _ path: String, isFile: Bool, replacing: Bool
  ) throws(FormatError) {
    guard replacing else { throw existing(path) }
    guard isFile ? isReplaceableFile(path) : isFolder(path) else {
      throw FormatError(
        .cannotCreate, file: path,
        problem: isFile
          ? "expected a file to replace, found a folder or a device"
          : "expected a folder to replace, found a file or a link",
        hint: "choose another name, or remove it first")
    }
    try requireReplaceable(path)
    guard !isFile else { return }
    let names = try directoryEntries(of: path)
    for name in names where isFolder(join(path, name)) {
      throw FormatError(
        .cannotCreate, file: path,
        problem: "expected a folder of files to replace, found the folder \(quoted(name)) in it",
        hint: "choose another name, or remove it first")
    }
    let isModel = names.contains { name in
      name == "config.json" || name.hasSuffix(".safetensors") || name.hasSuffix(".gguf")
    }
    guard isModel || names.isEmpty else {
      throw FormatError(
        .cannotCreate, file: path, problem: "expected a model's folder to replace, found another",
        hint: "choose another name, or remove it first")
    }
  }

  private static func existing(_ path: String) -> FormatError {
    FormatError(
      .cannotCreate, file: path, problem: "the output exists already",
      remedy: "choose another name, or replace it with \(.force)")
  }
}

// The system's calls on paths. Safe (each): Swift lends the path as a terminated text during the
// call, and none of them keeps it.

private func makeFolder(_ path: String) -> Bool { unsafe mkdir(path, 0o777) == 0 }

private func isTaken(_ path: String) -> Bool {
  unsafe faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0
}

private func isFolder(_ path: String) -> Bool {
  var status = stat()
  return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

private func openFolder(_ path: String) -> Int32 {
  unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
}

/// Lets two folders change names, at one moment where the file system can; else the old one steps
/// aside first.
private func exchange(_ new: String, _ old: String) -> Bool {
  errno = exchangeNames(new, old)
  if errno == 0 { return true }
  guard errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP else { return false }
  let aside = new + ".old"
  guard move(old, to: aside) else { return false }
  guard move(new, to: old) else {
    let code = errno
    _ = move(aside, to: old)
    errno = code
    return false
  }
  return move(aside, to: new)
}

private func keepMode(ofFile old: String, on new: String) {
  let descriptor = unsafe open(new, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  keepMode(of: old, on: descriptor)
  close(descriptor)
}

private func move(_ source: String, to target: String) -> Bool {
  unsafe rename(source, target) == 0
}

/// Moves a file to a name that must be free: a link, unlike a rename, never replaces what appeared
/// meanwhile.
private func moveWithoutReplacing(_ source: String, to target: String) -> Bool {
  if unsafe link(source, target) == 0 { return unsafe unlink(source) == 0 }
  // Some file systems have no links; there a check just before the rename must do.
  guard errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS else { return false }
  guard !isTaken(target) else {
    errno = EEXIST
    return false
  }
  return move(source, to: target)
}
