// Small checkpoints, and what is said of those that cannot be opened.

import HHFormat
import HHTestSupport
import Testing

extension TemporaryDirectory {
  /// Writes a file of U8 tensors of one byte.
  @discardableResult
  func writeOneByteTensors(_ names: [String], to file: String) throws -> String {
    var forge = FileForge(seed: 3)
    return try write(
      try forge.safetensors(names.map { ($0, .u8, [1]) }), to: file)
  }
}

/// The error of opening a path.
func openingError(_ path: String, configuration: String? = nil) throws -> FormatError {
  try #require(
    throws: FormatError.self, "\(path)",
    performing: { try Checkpoint(opening: path, configuration: configuration) })
}
