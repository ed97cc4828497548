// The tensor table of a GGUF file: names, types, extents, and data without gap or overlap.

/// Reads the entries of a tensor table, then computes their places in the file.
struct GGUFTensorTable {
  private struct Entry {
    let name: String
    let type: GGMLType
    let shape: [Int]
    let byteCount: Int
    /// Offset in bytes from the start of the data.
    let begin: Int
  }

  let alignment: Int
  private var entries: [Entry] = []
  private var names: Set<ByteKey> = []
  /// Where the next tensor's data must begin, counted from the start of the data.
  private var end = 0

  init(alignment: Int) { self.alignment = alignment }

  /// Reads the next entry.
  @_lifetime(cursor: copy cursor)
  mutating func read(_ number: Int, _ cursor: inout GGUFCursor) throws(FormatError) {
    cursor.subject = .tensor(number: number)
    let name = try cursor.string("name", limit: GGUFHeader.maximumNameLength)
    cursor.subject = .entry(of: name)
    guard !name.isEmpty else { throw cursor.error("expected a name, found an empty one") }
    guard names.insert(ByteKey(name)).inserted else {
      throw cursor.error("expected each name once, found it twice")
    }
    let shape = try readShape(&cursor)
    let type = try readType(&cursor)
    let byteCount = try byteCount(shape, type, cursor)
    let offset: UInt64 = try cursor.integer("offset")
    guard offset == UInt64(end) else {
      throw cursor.error(
        "offset: expected \(end), the padded end of the tensor before it, found \(offset)")
    }
    guard let padded = padded(byteCount),
      case (let next, false) = end.addingReportingOverflow(padded)
    else { throw cursor.error(tooLarge(shape, type)) }
    entries.append(
      Entry(name: name, type: type, shape: shape, byteCount: byteCount, begin: end))
    end = next
  }

  /// The tensors with their places in the file. The cursor is at the end of the table.
  @_lifetime(cursor: copy cursor)
  mutating func placed(_ cursor: inout GGUFCursor) throws(FormatError) -> [GGUFTensor] {
    cursor.subject = .header
    let size = cursor.bytes.byteCount
    // The cursor is inside the file, so this sum cannot overflow.
    let start = (cursor.offset + alignment - 1) & ~(alignment - 1)
    guard let last = entries.last else {
      // A file that has only a vocabulary ends with the table.
      guard size <= start else { throw trailing(size - start, cursor) }
      return []
    }
    for entry in entries {
      cursor.subject = .entry(of: entry.name)
      let (used, overflow) = start.addingReportingOverflow(entry.begin + entry.byteCount)
      guard !overflow, used <= size else {
        throw cursor.error(
          "expected \(entry.byteCount) bytes at \(start) + \(entry.begin), found a file of"
            + " \(size)", hint: "the file is cut short; copy or download it again")
      }
    }
    // As in ggml, the padding after the last tensor may be missing.
    cursor.subject = .entry(of: last.name)
    guard size - start <= end else { throw trailing(size - start - end, cursor) }
    return entries.map { entry in
      let begin = start + entry.begin
      return GGUFTensor(
        name: entry.name, type: entry.type, shape: entry.shape,
        byteRange: begin..<begin + entry.byteCount)
    }
  }

  @_lifetime(cursor: copy cursor)
  private func readShape(_ cursor: inout GGUFCursor) throws(FormatError) -> [Int] {
    let rank: UInt32 = try cursor.integer("rank")
    guard rank <= GGUFHeader.maximumRank else {
      throw cursor.error(
        "rank: expected at most \(GGUFHeader.maximumRank) dimensions, found \(rank)")
    }
    var shape: [Int] = []
    for _ in 0..<rank {
      let extent = try cursor.count("extent")
      guard let extent = Int(exactly: extent) else {
        throw cursor.error("extent: expected at most \(Int.max), found \(extent)")
      }
      shape.append(extent)
    }
    return shape.reversed()
  }

  @_lifetime(cursor: copy cursor)
  private func readType(_ cursor: inout GGUFCursor) throws(FormatError) -> GGMLType {
    let number: UInt32 = try cursor.integer("type")
    if let type = GGMLType(rawValue: number) { return type }
    if let name = GGMLType.removed[number] {
      throw FormatError(
        .unsupported, file: cursor.file, place: cursor.error("").place,
        problem: "type: expected one that ggml still has, found \(name) (\(number))",
        hint: "make the file again from its source with a current version of llama.cpp")
    }
    let last = GGMLType.allCases.last?.rawValue ?? 0
    throw cursor.error("type: expected a number of ggml up to \(last), found \(number)")
  }

  private func byteCount(
    _ shape: [Int], _ type: GGMLType, _ cursor: borrowing GGUFCursor
  ) throws(FormatError) -> Int {
    let row = shape.last ?? 1
    guard row.isMultiple(of: type.elementsPerBlock) else {
      throw cursor.error(
        "\(sizeName(shape, type)): expected rows of a multiple of \(type.elementsPerBlock),"
          + " found \(row)")
    }
    guard let count = checkedElementCount(shape), let bytes = type.byteCount(ofElements: count)
    else { throw cursor.error(tooLarge(shape, type)) }
    return bytes
  }

  private func tooLarge(_ shape: [Int], _ type: GGMLType) -> String {
    "\(sizeName(shape, type)): expected a size of at most 63 bits, found more"
  }

  private func sizeName(_ shape: [Int], _ type: GGMLType) -> String {
    "shape \(shape) of \(type.name)"
  }

  /// `count` rounded up to the alignment, or nil where that overflows.
  private func padded(_ count: Int) -> Int? {
    let (sum, overflow) = count.addingReportingOverflow(alignment - 1)
    return overflow ? nil : sum & ~(alignment - 1)
  }

  private func trailing(_ count: Int, _ cursor: borrowing GGUFCursor) -> FormatError {
    cursor.error("expected the end of the file, found \(count) more bytes")
  }
}
