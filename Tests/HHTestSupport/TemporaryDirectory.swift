// A directory for one test, removed when the test lets go of it.

import FoundationEssentials
import HHFormat

/// A fresh empty directory; it goes with everything in it when the object goes.
package final class TemporaryDirectory: Sendable {
  /// The absolute path, links resolved.
  package let path: String

  /// Creates the directory.
  package init() throws {
    let name = "hh-convert-\(UUID().uuidString)"
    let url = FileManager.default.temporaryDirectory.appending(path: name)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = try resolvedPath(url.path)
  }

  deinit {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      // A directory that stays behind does no harm to a result.
    }
  }

  /// The path of a name inside the directory.
  package func path(_ name: String) -> String { join(path, name) }

  /// Writes a file, making the folders in its name, and returns its path.
  @discardableResult
  package func write(_ bytes: [UInt8], to name: String) throws -> String {
    let file = path(name)
    try FileManager.default.createDirectory(
      atPath: directory(of: file), withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(filePath: file))
    return file
  }

  /// Writes a text file and returns its path.
  @discardableResult
  package func write(_ text: String, to name: String) throws -> String {
    try write(Array(text.utf8), to: name)
  }

  /// Makes a symbolic link and returns its path; the target is taken literally.
  @discardableResult
  package func link(_ name: String, to target: String) throws -> String {
    let file = path(name)
    try FileManager.default.createDirectory(
      atPath: directory(of: file), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: target)
    return file
  }
}
