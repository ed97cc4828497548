// Keeping the files that a checkpoint names inside its own folder, links followed.

/// The folders that the files of one checkpoint may lie in.
struct Confinement {
  private let roots: [String]

  /// Allows the folders given and all below them.
  ///
  /// The Hugging Face cache keeps `snapshots/REVISION/` full of links into `blobs/` beside it, so
  /// there the whole entry of the model counts as the folder.
  init(to directories: String...) throws(FormatError) {
    roots = try directories.map { (directory) throws(FormatError) in
      let resolved = try resolvedPath(directory)
      let parts = resolved.utf8.split(separator: UInt8(ascii: "/"))
      guard parts.count > 2, parts[parts.count - 2].elementsEqual("snapshots".utf8) else {
        return resolved
      }
      return "/" + parts.dropLast(2).map { String(Substring($0)) }.joined(separator: "/")
    }
  }

  /// Where a path leads if that is outside; nil where it stays inside. A path that does not exist
  /// is an error.
  func escape(of path: String) throws(FormatError) -> String? {
    let resolved = try resolvedPath(path)
    let isInside = roots.contains { root in
      resolved.utf8.starts(with: (root == "/" ? root : root + "/").utf8)
    }
    return isInside ? nil : resolved
  }
}
