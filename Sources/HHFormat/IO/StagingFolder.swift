// A folder in which an output is built, to appear under its name only when it is complete.

internal import Glibc

/// A hidden sibling of an output, named `.NAME.PID.partial`, that holds files until they are
/// published: as a folder under the output's name, or one of them as a file.
///
/// Whatever is not published is removed when the value goes; only a killed process leaves it behind.
/// The files inside were forced to disk by whoever wrote them.
package struct StagingFolder: ~Copyable {
  /// The folder's own path.
  package let path: String
  private let output: String
  private let parent: String
  private let isFile: Bool
  private let replacing: Bool

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
    var stem = name
    while stem.utf8.count > 200 { stem.removeLast() }
    let prefix = join(parent, ".\(stem).\(getpid())")
    var path = "\(prefix).partial"
    // The plain name is taken where a killed process with the same number left its own behind.
    var attempt = 0
    while !makeFolder(path) {
      attempt += 1
      guard errno == EEXIST, attempt < 100 else {
        throw FormatError(
          .cannotCreate, file: output, problem: "cannot be created: \(systemMessage(errno))")
      }
      path = "\(prefix)-\(attempt).partial"
    }
    self.path = path
    self.output = trimmed
    self.parent = parent
    self.isFile = isFile
    self.replacing = replacing
  }

  deinit { removeFolder(path) }

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
      // A folder cannot be renamed over another, so the old one steps aside first.
      let aside = path + ".old"
      guard move(output, to: aside) else { throw failed("rename") }
      guard move(path, to: output) else {
        let error = failed("rename")
        _ = move(aside, to: output)
        throw error
      }
      removeFolder(aside)
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

/// Removes a folder of files; what cannot be removed stays.
private func removeFolder(_ path: String) {
  guard isFolder(path), let handle = unsafe opendir(path) else { return }
  var names: [String] = []
  while let entry = unsafe readdir(handle) {
    names.append(
      unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      })
  }
  unsafe closedir(handle)
  for name in names where name != "." && name != ".." { _ = unsafe unlink(join(path, name)) }
  _ = unsafe rmdir(path)
}
