// The JSON header of a safetensors file, parsed and validated before anything is believed.

/// The tensor table and metadata of a safetensors file.
///
/// The layout of a file is
///
///     u64 little-endian   N, the length of the header
///     N bytes             one JSON object: "name": {"dtype", "shape", "data_offsets": [begin, end]}
///     the rest            tensor data, to which the offsets refer
///
/// The checks are those of the reference implementation (huggingface/safetensors, `tensor.rs`,
/// `Metadata::validate`), with duplicate names refused and nesting, rank and counts bounded.
package struct SafetensorsHeader: Sendable {
  /// More header bytes than this are refused, on reading and on writing.
  package static let maximumLength = 100_000_000
  /// More tensors than this are refused.
  package static let maximumTensorCount = 1_000_000
  /// More dimensions than this are refused.
  package static let maximumRank = 16

  /// The tensors in the order of their data; ranges count from the start of the file.
  package let tensors: [TensorDescriptor]
  /// The members of `__metadata__` in file order.
  package let metadata: [(key: String, value: String)]

  /// Parses and validates the N bytes of a header.
  ///
  /// - Parameters:
  ///   - bytes: The JSON text with its padding, without the length in front.
  ///   - dataCount: Number of bytes after the header.
  ///   - dataStart: Where those bytes begin in the file.
  ///   - file: The file's name for messages.
  /// - Returns: The tensors in the order of their data, and the metadata.
  /// - Throws: `badData` that names the tensor, what was expected and what was found.
  package static func parse(
    _ bytes: Span<UInt8>, dataCount: Int, dataStart: Int, file: String
  ) throws(FormatError) -> SafetensorsHeader {
    var content = HeaderContent()
    do {
      var reader = JSONReader(bytes)
      try content.read(&reader)
    } catch {
      throw FormatError(
        .badData, file: file, place: content.place,
        problem: "\(error.problem) (at byte \(error.offset) of the header)")
    }
    return SafetensorsHeader(
      tensors: try layout(
        content.entries, dataCount: dataCount, dataStart: dataStart, file: file),
      metadata: content.metadata)
  }

  /// The value of a metadata key, or nil.
  package func metadata(_ key: String) -> String? {
    metadata.first { ByteKey($0.key) == ByteKey(key) }?.value
  }
}

/// One tensor as the header states it, not yet checked against the others and the file.
private struct Entry {
  let name: String
  let dtype: DType
  let shape: [Int]
  let begin: Int
  let end: Int
}

/// Collects what the JSON says.
private struct HeaderContent {
  var entries: [Entry] = []
  var metadata: [(key: String, value: String)] = []
  /// The member that is being read, for errors.
  private var member: String?

  /// What is being read, in words. Made only where there is an error: quoting every name would take
  /// as long as reading them all.
  var place: String {
    guard let member else { return "header" }
    return member == "__metadata__" ? "header key '__metadata__'" : "tensor \(quoted(member))"
  }

  mutating func read(_ reader: inout JSONReader) throws(JSONError) {
    var names: Set<ByteKey> = []
    try reader.open("{")
    while let name = try reader.nextKey(isFirst: names.isEmpty) {
      member = name
      guard names.insert(ByteKey(name)).inserted else {
        throw reader.duplicateKey(name)
      }
      if name == "__metadata__" {
        try readMetadata(&reader)
      } else {
        entries.append(try readEntry(name, &reader))
      }
      member = nil
      guard entries.count <= SafetensorsHeader.maximumTensorCount else {
        throw reader.failure(
          "expected at most \(SafetensorsHeader.maximumTensorCount) tensors, found more")
      }
    }
    try reader.end()
  }

  private mutating func readMetadata(_ reader: inout JSONReader) throws(JSONError) {
    // The reference implementation takes null for no metadata.
    if reader.peek() == UInt8(ascii: "n") { return try reader.literal("null") }
    var keys: Set<ByteKey> = []
    try reader.open("{")
    while let key = try reader.nextKey(isFirst: keys.isEmpty) {
      guard keys.insert(ByteKey(key)).inserted else {
        throw reader.duplicateKey(key)
      }
      guard reader.peek() == UInt8(ascii: "\"") else {
        throw reader.failure("expected a string as the value of \(quoted(key)), found another type")
      }
      metadata.append((key, try reader.string()))
    }
  }

  private func readEntry(
    _ name: String, _ reader: inout JSONReader
  ) throws(JSONError) -> Entry {
    var dtype: DType?
    var shape: [Int]?
    var offsets: [Int]?
    var others: Set<ByteKey> = []
    var isFirst = true
    try reader.open("{")
    while let field = try reader.nextKey(isFirst: isFirst) {
      isFirst = false
      let isNew: Bool
      switch field {
      case "dtype":
        isNew = dtype == nil
        dtype = try readDType(&reader)
      case "shape":
        isNew = shape == nil
        shape = try readIntegers("shape", most: SafetensorsHeader.maximumRank, &reader)
      case "data_offsets":
        isNew = offsets == nil
        offsets = try readIntegers("data_offsets", most: 2, &reader)
      default:
        // The reference implementation passes over fields of its future.
        isNew = others.insert(ByteKey(field)).inserted
        try reader.skip()
      }
      guard isNew else {
        throw reader.duplicateKey(field)
      }
    }
    guard let dtype else { throw reader.failure("expected the field 'dtype', found none") }
    guard let shape else { throw reader.failure("expected the field 'shape', found none") }
    guard let offsets else { throw reader.failure("expected the field 'data_offsets', found none") }
    guard offsets.count == 2 else {
      throw reader.failure("expected two numbers in data_offsets, found \(offsets.count)")
    }
    return Entry(name: name, dtype: dtype, shape: shape, begin: offsets[0], end: offsets[1])
  }

  private func readDType(_ reader: inout JSONReader) throws(JSONError) -> DType {
    guard reader.peek() == UInt8(ascii: "\"") else {
      throw reader.failure("expected a string as dtype, found another type")
    }
    let text = try reader.string()
    guard let dtype = DType(rawValue: text) else {
      let known = DType.allCases.map(\.rawValue).joined(separator: ", ")
      throw reader.failure("expected a dtype among \(known), found \(quoted(text))")
    }
    return dtype
  }

  /// Reads an array of at most `most` integers that are not negative.
  private func readIntegers(
    _ field: String, most: Int, _ reader: inout JSONReader
  ) throws(JSONError) -> [Int] {
    var values: [Int] = []
    try reader.open("[")
    while try reader.nextElement(isFirst: values.isEmpty) {
      guard values.count < most else {
        throw reader.failure("expected at most \(most) numbers in \(field), found more")
      }
      let value = try reader.unsignedInteger()
      guard let value = Int(exactly: value) else {
        throw reader.failure("expected at most \(Int.max) in \(field), found \(value)")
      }
      values.append(value)
    }
    return values
  }
}

/// Checks entries against each other and against the data, and puts them in the order of the data.
///
/// Each tensor must begin where the one before it ends, so that there is no overlap and no hole,
/// and the last must end where the file ends.
private func layout(
  _ entries: [Entry], dataCount: Int, dataStart: Int, file: String
) throws(FormatError) -> [TensorDescriptor] {
  let ordered = entries.enumerated().sorted { a, b in
    (a.element.begin, a.element.end, a.offset) < (b.element.begin, b.element.end, b.offset)
  }.map(\.element)
  var position = 0
  for (index, entry) in ordered.enumerated() {
    func error(_ problem: String) -> FormatError {
      FormatError(.badData, file: file, place: "tensor \(quoted(entry.name))", problem: problem)
    }
    func sizeError(_ problem: String) -> FormatError {
      error("shape \(entry.shape) of \(entry.dtype.rawValue): \(problem)")
    }
    guard entry.begin == position, entry.end >= entry.begin else {
      let place = index == 0 ? "0" : "\(position), the end of \(quoted(ordered[index - 1].name))"
      throw error(
        entry.begin == position
          ? "data_offsets: expected an end of at least \(position), found \(entry.end)"
          : "data_offsets: expected to begin at \(place), found \(entry.begin)")
    }
    guard let count = checkedElementCount(entry.shape) else {
      throw sizeError("expected a size of at most 63 bits, found more")
    }
    let (bits, overflow) = count.multipliedReportingOverflow(by: entry.dtype.bitWidth)
    guard !overflow else {
      throw sizeError("expected a size of at most 63 bits, found more")
    }
    guard bits % 8 == 0 else {
      throw sizeError("expected a whole number of bytes, found \(bits) bits")
    }
    guard bits / 8 == entry.end - entry.begin else {
      throw sizeError(
        "expected \(bits / 8) bytes, found \(entry.end - entry.begin) in data_offsets "
          + "[\(entry.begin), \(entry.end)]")
    }
    position = entry.end
  }
  guard position == dataCount else {
    throw FormatError(
      .badData, file: file,
      place: ordered.last.map { "after tensor \(quoted($0.name))" } ?? "after the header",
      problem: "expected \(position) bytes of tensor data, found \(dataCount)",
      hint: position > dataCount ? "the file is cut short; copy or download it again" : nil)
  }
  // Every range now lies inside the data, so these sums lie inside the file.
  return ordered.map { entry in
    TensorDescriptor(
      name: entry.name, dtype: entry.dtype, shape: entry.shape,
      byteRange: dataStart + entry.begin..<dataStart + entry.end)
  }
}
