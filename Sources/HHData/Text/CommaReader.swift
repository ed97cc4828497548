// Comma-separated values (RFC 4180).

/// Cuts comma-separated text into rows. A value in quotes may hold commas, line ends and, doubled,
/// quotes.
struct CommaReader {
  let bytes: [UInt8]
  private var offset = 0
  private var line = 1

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// The next row with the line it begins in, its values nil where a quote does not end; nil at the
  /// end of the text.
  mutating func next() -> (line: Int, values: [String]?)? {
    guard offset < bytes.count else { return nil }
    let first = line
    var values: [String] = []
    while true {
      guard let value = value() else { return (first, nil) }
      values.append(value)
      guard offset < bytes.count else { return (first, values) }
      offset += 1
      if bytes[offset - 1] == UInt8(ascii: "\n") {
        line += 1
        return (first, values)
      }
    }
  }

  /// The value at the offset, which then stands at the comma or line end behind it.
  private mutating func value() -> String? {
    var value: [UInt8] = []
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") {
      offset += 1
      while true {
        guard offset < bytes.count else { return nil }
        let byte = bytes[offset]
        offset += 1
        if byte == UInt8(ascii: "\"") {
          guard offset < bytes.count, bytes[offset] == byte else { break }
          offset += 1
        } else if byte == UInt8(ascii: "\n") {
          line += 1
        }
        value.append(byte)
      }
    }
    // What follows a closing quote belongs to the value, as in Python's csv module.
    while offset < bytes.count, bytes[offset] != UInt8(ascii: ","),
      bytes[offset] != UInt8(ascii: "\n")
    {
      value.append(bytes[offset])
      offset += 1
    }
    if value.last == 0x0D, offset == bytes.count || bytes[offset] == UInt8(ascii: "\n") {
      value.removeLast()
    }
    return String(decoding: value, as: UTF8.self)
  }
}
