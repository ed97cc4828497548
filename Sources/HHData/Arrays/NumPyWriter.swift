// Writing a NumPy array.

package import HHFormat

/// Writes `.npy` files, version 1.
package enum NumPyWriter {
  /// Writes rows of one length as an array of float32, [rows, columns].
  ///
  /// - Throws: `cannotCreate` where the file exists and is not to be replaced, `io` where it cannot
  ///   be written; nothing is left behind then.
  package static func write(
    _ rows: [[Float]], to path: String, replacing: Bool
  ) throws(FormatError) {
    let columns = rows.first?.count ?? 0
    precondition(rows.allSatisfy { $0.count == columns }, "NumPyWriter: rows of one length")
    var header =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows.count), \(columns)), }"
    // Magic number, version, length and header fill a multiple of 64 bytes.
    let unpadded = 10 + header.utf8.count + 1
    header += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
    let length = UInt16(truncatingIfNeeded: header.utf8.count)
    let start: [UInt8] =
      [0x93] + "NUMPY".utf8 + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + header.utf8
    var file = try AtomicFile(at: path, replacing: replacing)
    try file.write(start.raw)
    for row in rows {
      let span = row.span
      // Safe: floats have no padding.
      try file.write(unsafe span.bytes)
    }
    try file.commit()
  }
}
