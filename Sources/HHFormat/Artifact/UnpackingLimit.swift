// How much an artifact may unpack to, so that a small file cannot fill memory.

/// A bound on the content of an artifact's frames.
///
/// Weights seldom shrink to a third and never to a thirtieth. An artifact whose content is out of all
/// proportion to its file holds one value over and over, as a trap does, or a model that was blank.
package enum UnpackingLimit: Sendable {
  /// 64 MiB and 32 times the file's size.
  case automatic
  /// So many bytes, as the user chose.
  case bytes(Int)
  /// None, for those who read only what they have room for.
  case none

  /// The limit for artifacts that are opened in the course of a command.
  @TaskLocal package static var chosen = UnpackingLimit.automatic

  /// The limit for a file of `size` bytes.
  private func maximum(ofFile size: Int) -> Int {
    switch self {
    case .automatic: (64 << 20) + 32 * size
    case .bytes(let bytes): bytes
    case .none: .max
    }
  }

  /// Refuses an artifact that unpacks to more.
  ///
  /// - Parameters:
  ///   - content: bytes of the content of all frames.
  ///   - size: bytes of the file.
  ///   - file: what the error names.
  /// - Throws: `unsupported`, with the option that allows it.
  func check(content: Int, ofFile size: Int, file: String) throws(FormatError) {
    let maximum = maximum(ofFile: size)
    guard content > maximum else { return }
    throw FormatError(
      .unsupported, file: file, place: "seek table",
      problem: "\(size) bytes unpack to \(content): expected at most \(maximum)",
      remedy: "'\(.maximumUnpacked, "\(content)")' allows it, if there is as much memory")
  }
}
