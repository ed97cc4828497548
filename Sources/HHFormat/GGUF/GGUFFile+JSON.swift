// The metadata of a GGUF file as JSON that gives every value back bit for bit.

extension GGUFFile {
  /// The file's version and metadata in file order, as
  ///
  ///     {"version": 3, "metadata": {"general.name": {"type": "string", "value": "x"},
  ///      "x.sizes": {"type": "array", "elementType": "uint32", "value": [1, 2]}, …}}
  ///
  /// Types are named as `GGUFValueType` spells them. Floats are exact decimals; one that is not
  /// finite is a text of its bits, `0x7fc00000` or `0x7ff8000000000000`.
  package func metadataJSON() throws(FormatError) -> JSONObject {
    var metadata = JSONObject()
    for (key, value) in header.metadata {
      var entry: JSONObject = ["type": "\(value.type)"]
      if case .array(let array) = value {
        entry["elementType"] = "\(array.elementType)"
        let elements = try elements(of: array, key)
        entry["value"] = .array(elements.map(\.json))
      } else {
        entry["value"] = value.json
      }
      metadata[key] = .object(entry)
    }
    return ["version": .integer(Int(header.version)), "metadata": .object(metadata)]
  }
}

extension GGUFValue {
  /// A value that is no array.
  fileprivate var json: JSONValue {
    switch self {
    case .uint8(let value): .integer(Int(value))
    case .int8(let value): .integer(Int(value))
    case .uint16(let value): .integer(Int(value))
    case .int16(let value): .integer(Int(value))
    case .uint32(let value): .integer(Int(value))
    case .int32(let value): .integer(Int(value))
    case .int64(let value): .integer(Int(value))
    case .uint64(let value): JSONValue(value)
    case .float32(let value):
      value.isFinite ? .number(Double(value)) : .string(bits(value.bitPattern))
    case .float64(let value): value.isFinite ? .number(value) : .string(bits(value.bitPattern))
    case .bool(let value): .bool(value)
    case .string(let value): .string(value)
    // GGUF arrays do not nest, and the caller takes them apart.
    case .array: .null
    }
  }

  private func bits(_ pattern: some FixedWidthInteger) -> String {
    let digits = String(pattern, radix: 16)
    return "0x" + String(repeating: "0", count: pattern.bitWidth / 4 - digits.count) + digits
  }
}
