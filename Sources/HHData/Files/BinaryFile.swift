// Files that are given for text and are something else, told apart by their first bytes.

internal import HHFormat

/// A kind of file that cannot be read as text, and what to do about it.
struct BinaryFile {
  private let magic: [UInt8]
  private let name: String
  private let hint: String

  private init(_ magic: [UInt8], _ name: String, _ hint: String) {
    (self.magic, self.name, self.hint) = (magic, name, hint)
  }

  private static let kinds = [
    BinaryFile([0x1F, 0x8B], "gzip data", "decompress it first, with 'gunzip'"),
    BinaryFile([0x28, 0xB5, 0x2F, 0xFD], "zstd data", "decompress it first, with 'zstd -d'"),
    BinaryFile(Array("BZh".utf8), "bzip2 data", "decompress it first, with 'bunzip2'"),
    BinaryFile(
      [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "xz data", "decompress it first, with 'unxz'"),
    BinaryFile([0x50, 0x4B, 0x03, 0x04], "a zip archive", "unpack it first, with 'unzip'"),
    BinaryFile(Array("7z".utf8) + [0xBC, 0xAF], "a 7z archive", "unpack it first"),
    BinaryFile(
      Array("PAR1".utf8), "a Parquet file",
      "write it as JSON lines first, with to_json(…, orient='records', lines=True) of pandas"
    ),
    BinaryFile(
      Array("ARROW1".utf8), "an Arrow file",
      "write it as JSON lines first, with to_json(…) of the Python package datasets"
    ),
    BinaryFile(Array("%PDF".utf8), "a PDF document", "extract its text first, with 'pdftotext'"),
    BinaryFile(Array("SQLite format 3".utf8), "an SQLite database", "export its text first"),
    BinaryFile([0x89, 0x48, 0x44, 0x46], "an HDF5 file", "export its text first"),
    BinaryFile(
      [0x93] + Array("NUMPY".utf8), "a NumPy array",
      "give it a name that ends in '.npy', and it is read as token ids"
    ),
    BinaryFile([0xFF, 0xFE], "UTF-16 text", "convert it first, with 'iconv -f UTF-16 -t UTF-8'"),
    BinaryFile([0xFE, 0xFF], "UTF-16 text", "convert it first, with 'iconv -f UTF-16 -t UTF-8'"),
    BinaryFile(
      Array("version https://git-lfs".utf8), "a Git LFS pointer", "run 'git lfs pull' to fetch it"),
  ]

  /// Refuses a file whose first bytes say that it is none of text.
  ///
  /// - Throws: `unsupported` with what the file is.
  static func refuse(at path: String) throws(FormatError) {
    let file = try MappedFile(at: path)
    let head = file.bytes.extracting(first: min(32, file.count)).copied()
    for kind in kinds where head.starts(with: kind.magic) {
      throw FormatError(
        .unsupported, file: path, problem: "expected text, found \(kind.name)", hint: kind.hint)
    }
  }
}
