// Whether a page or a drawing can be written where it is wanted.

internal import HHData
package import HHFormat

/// Refuses, before any work, a page or a drawing that cannot be written. It takes the place of another
/// one at most: never of an input, nor of any file that this program would not write there.
///
/// - Parameters:
///   - path: Where it is wanted.
///   - replacing: Whether it may take the place of another one.
///   - inputs: Paths that must stay as they are.
/// - Throws: `.cannotCreate`.
package func checkReport(
  at path: String, replacing: Bool, besides inputs: [String]
) throws(FormatError) {
  try protect(inputs, from: path)
  _ = try AtomicFile(at: path, replacing: replacing)
  guard isPresent(path) else { return }
  let file = try MappedFile(at: path)
  let start = file.bytes.extracting(0..<min(14, file.count)).copied()
  guard ["<!DOCTYPE html", "<svg"].contains(where: { start.starts(with: $0.utf8) }) else {
    throw FormatError(
      .cannotCreate, file: path,
      problem: "expected a page or a drawing to replace, found another file")
  }
}
