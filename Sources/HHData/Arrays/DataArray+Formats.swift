// The file formats that hold arrays.
//
// .npy: "\x93NUMPY", version (major, minor), header length (u16 in version 1, u32 later), header, a
// Python dictionary such as {'descr': '<u2', 'fortran_order': False, 'shape': (2, 3), }, numbers.
// IDX:  0, 0, element type (8 is an unsigned byte), rank, the extents as big-endian u32, numbers.
// .bin: token ids and nothing else, u16, or u32 in a file named .u32.bin.

package import HHFormat

extension DataArray {
  /// Opens a NumPy array file, version 1 to 3.
  package init(numpyAt path: String) throws(FormatError) {
    let file = try MappedFile(at: path)
    let bytes = file.bytes.octets
    func fail(_ problem: String) -> FormatError {
      FormatError(.badData, file: path, problem: problem)
    }
    let magic: [UInt8] = [0x93] + "NUMPY".utf8
    guard bytes.count >= 10, magic.indices.allSatisfy({ bytes[$0] == magic[$0] }) else {
      throw fail("is no NumPy array: expected a header that begins with \\x93NUMPY")
    }
    let version = bytes[6]
    guard (1...3).contains(version) else {
      throw FormatError(
        .unsupported, file: path, problem: "expected format version 1 to 3, found \(version)")
    }
    let start = version == 1 ? 10 : 12
    guard bytes.count >= start else { throw fail("ends inside its header") }
    var length = 0
    for index in (8..<start).reversed() { length = length << 8 | Int(bytes[index]) }
    guard length <= min(bytes.count - start, 65_536) else {
      throw fail("expected a header of at most \(bytes.count - start) bytes, found \(length)")
    }
    let text = (start..<start + length).map { Character(Unicode.Scalar(bytes[$0])) }
    guard let header = NumpyHeader(String(text)) else {
      throw fail("has a header that is not understood: \(quoted(String(text)))")
    }
    guard !header.isFortranOrder else {
      throw FormatError(
        .unsupported, file: path, problem: "expected C order, found Fortran order",
        hint: "save numpy.ascontiguousarray(x)")
    }
    guard let dtype = Self.numpyTypes[header.type] else {
      throw FormatError(
        .unsupported, file: path,
        problem: "expected little-endian u8, u16, u32, i32, i64 or f32, found "
          + quoted(header.type), hint: "save x.astype(\"<i4\") or x.astype(\"<f4\")")
    }
    try self.init(file, shape: header.shape, dtype: dtype, from: start + length)
  }

  private static let numpyTypes: [String: DType] = [
    "|u1": .u8, "<u1": .u8, "<u2": .u16, "<u4": .u32, "<i4": .i32, "<i8": .i64, "<f4": .f32,
  ]

  /// Whether a file begins like IDX data.
  package static func isIDX(at path: String) throws(FormatError) -> Bool {
    let file = try MappedFile(at: path)
    let bytes = file.bytes.octets
    return bytes.count >= 4 && bytes[0] == 0 && bytes[1] == 0 && (8...14).contains(bytes[2])
      && (1...maximumRank).contains(Int(bytes[3]))
  }

  /// Opens an IDX file of unsigned bytes, such as MNIST's.
  package init(idxAt path: String) throws(FormatError) {
    let file = try MappedFile(at: path)
    let bytes = file.bytes.octets
    guard bytes.count >= 4, bytes[0] == 0, bytes[1] == 0 else {
      throw FormatError(
        .badData, file: path, problem: "is no IDX file: expected two zero bytes at the start")
    }
    guard bytes[2] == 8 else {
      throw FormatError(
        .unsupported, file: path,
        problem: "expected unsigned bytes (element type 8), found type \(bytes[2])")
    }
    let rank = Int(bytes[3])
    guard bytes.count >= 4 + 4 * rank else {
      throw FormatError(.badData, file: path, problem: "ends inside its header")
    }
    let shape = (0..<rank).map { axis in
      (0..<4).reduce(0) { $0 << 8 | Int(bytes[4 + 4 * axis + $1]) }
    }
    try self.init(file, shape: shape, dtype: .u8, from: 4 + 4 * rank)
  }

  /// Opens raw little-endian token ids: 32 bits wide in a file named `.u32.bin`, else 16.
  package init(rawIDsAt path: String) throws(FormatError) {
    let file = try MappedFile(at: path)
    let dtype: DType = path.lowercased().hasSuffix(".u32.bin") ? .u32 : .u16
    let width = dtype.bitWidth / 8
    guard file.count.isMultiple(of: width) else {
      throw FormatError(
        .badData, file: path,
        problem: "expected whole \(dtype.bitWidth)-bit ids, found \(file.count) bytes")
    }
    try self.init(file, shape: [file.count / width], dtype: dtype, from: 0)
  }
}

/// The dictionary at the head of a NumPy file.
private struct NumpyHeader {
  private(set) var type = ""
  private(set) var isFortranOrder = false
  private(set) var shape: [Int] = []

  /// Parses exactly the three keys that NumPy writes, in any order; nil for anything else.
  init?(_ text: String) {
    var rest = text[...]
    func skipSpace() { rest = rest.drop { $0 == " " || $0 == "\n" } }
    func take(_ token: String) -> Bool {
      skipSpace()
      guard rest.hasPrefix(token) else { return false }
      rest = rest.dropFirst(token.count)
      return true
    }
    func quotedText() -> String? {
      guard take("'"), let end = rest.firstIndex(of: "'") else { return nil }
      defer { rest = rest[rest.index(after: end)...] }
      return String(rest[..<end])
    }
    func integers() -> [Int]? {
      guard take("(") else { return nil }
      var values: [Int] = []
      while !take(")") {
        skipSpace()
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard let value = Int(digits) else { return nil }
        values.append(value)
        rest = rest.dropFirst(digits.count)
        guard take(",") || rest.hasPrefix(")") else { return nil }
      }
      return values
    }
    guard take("{") else { return nil }
    var seen: Set<String> = []
    while !take("}") {
      guard let key = quotedText(), seen.insert(key).inserted, take(":") else { return nil }
      switch key {
      case "descr":
        guard let value = quotedText() else { return nil }
        type = value
      case "fortran_order":
        isFortranOrder = take("True")
        if !isFortranOrder, !take("False") { return nil }
      case "shape":
        guard let value = integers() else { return nil }
        shape = value
      default: return nil
      }
      skipSpace()
      guard take(",") || rest.hasPrefix("}") else { return nil }
    }
    skipSpace()
    guard seen.count == 3, rest.isEmpty else { return nil }
  }
}
