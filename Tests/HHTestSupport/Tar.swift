// Packed fixtures: the plain files in a tar archive, as scripts/fuzz writes them.

package import HHFormat

/// The files of a POSIX tar archive (format "ustar") that holds plain files with short names only,
/// in its order. Throws `badData` for anything else: a corpus that is read in part tests in part.
package func tarFiles(
  at path: String
) throws(FormatError) -> [(name: String, bytes: [UInt8])] {
  let file = try MappedFile(at: path)
  let archive = file.bytes.copied()
  let block = 512
  var files: [(name: String, bytes: [UInt8])] = []
  var start = 0
  func defect(_ problem: String) -> FormatError {
    FormatError(.badData, file: path, place: "byte \(start)", problem: problem)
  }
  /// The bytes from `offset` on in the current entry, of which there must be `count`.
  func bytes(_ offset: Int, _ count: Int) throws(FormatError) -> ArraySlice<UInt8> {
    guard start + offset + count <= archive.count else { throw defect("expected a whole entry") }
    return archive[(start + offset)...].prefix(count)
  }
  /// A field of text, which ends at its first zero.
  func text(_ offset: Int, _ count: Int) throws(FormatError) -> String {
    String(decoding: try bytes(offset, count).prefix { $0 != 0 }, as: UTF8.self)
  }
  while try bytes(0, block).contains(where: { $0 != 0 }) {
    guard try text(257, 6) == "ustar", try text(156, 1) == "0",
      let size = Int(try text(124, 12), radix: 8), size >= 0
    else { throw defect("expected the header of a plain file") }
    files.append((try text(0, 100), Array(try bytes(block, size))))
    start += block * (1 + (size + block - 1) / block)
  }
  guard archive[start...].allSatisfy({ $0 == 0 }) else {
    throw defect("expected zeros behind the last file")
  }
  return files
}
