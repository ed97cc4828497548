// Keeping the files that a checkpoint names inside its own folder, links followed.

/// The folders that the files of one checkpoint may lie in.
package struct Confinement: Sendable {
  private let roots: [String]

  /// Allows the folders given and all below them.
  ///
  /// The Hugging Face cache keeps `snapshots/REVISION/` full of links into `blobs/` beside it, so
  /// there the whole entry of the model counts as the folder. A folder elsewhere may have links into
  /// such `blobs/` too, as downloads made them: a blob is called by its digest, so that nobody can
  /// name one whose content is not known.
  package init(to directories: String...) throws(FormatError) {
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
    return isInside || Self.isBlob(resolved) ? nil : resolved
  }

  /// Refuses a file beside a model's weights that is a link out of the model's folder: whoever made the
  /// folder would choose what else of this machine is handed on.
  package func requireOwn(_ path: String) throws(FormatError) {
    guard let target = try escape(of: path) else { return }
    throw FormatError(
      .badData, file: path,
      problem: "expected a file of the model's folder, found a link to \(quoted(target))",
      hint: "put the file itself there, or remove the link")
  }

  /// Whether a path is `…/models--NAME/blobs/DIGEST` of a Hugging Face cache.
  private static func isBlob(_ path: String) -> Bool {
    let parts = path.utf8.split(separator: UInt8(ascii: "/")).suffix(3)
    guard parts.count == 3, let entry = parts.first, let name = parts.last,
      entry.starts(with: "models--".utf8), parts[parts.endIndex - 2].elementsEqual("blobs".utf8)
    else { return false }
    return (name.count == 40 || name.count == 64)
      && name.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}
