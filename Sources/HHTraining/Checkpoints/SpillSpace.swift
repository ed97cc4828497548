// Where large matrices are kept between their uses.

internal import HHCompute
internal import HHFormat

/// Memory or disk. What is computed is the same either way.
package enum SpillSpace: Sendable, Equatable {
  /// Everything stays in memory.
  case memory
  /// Matrices are mapped from nameless files in a folder, and leave memory when they are evicted.
  case disk(folder: String)

  /// A matrix of zeros.
  ///
  /// - Throws: `FormatError` where the disk has no room for it.
  func matrix(rows: Int, columns: Int) throws(FormatError) -> Matrix {
    guard case .disk(let folder) = self, rows > 0, columns > 0 else {
      return Matrix(rows: rows, columns: columns)
    }
    let (count, overflow) = rows.multipliedReportingOverflow(by: 4 * columns)
    precondition(!overflow, "the estimate has refused such sizes")
    let file = try ScratchFile(in: folder, byteCount: count)
    // The mapping keeps the file alive when its descriptor is closed.
    guard let buffer = FloatBuffer(count: rows * columns, mapping: file.descriptor) else {
      throw FormatError(.io, file: folder, problem: "\(count) bytes of scratch space: not mapped")
    }
    return Matrix(buffer, rows: rows, columns: columns)
  }
}
