// The metadata of a GGUF file as JSON that gives every value back bit for bit.

extension GGUFFile {
  /// The file's version and metadata in file order, as
  ///
  ///     {"version": 3, "metadata": {"general.name": {"type": "string", "value": "x"},
  ///      "x.sizes": {"type": "array", "elementType": "uint32", "value": [1, 2]}, …}}
  ///
  /// Types are named as `GGUFValueType` spells them. Finite floats are exact decimals. NaN and
  /// infinity are strings with their bits, such as `0x7fc00000` or `0x7ff8000000000000`.
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
  /// The JSON of a value that is not an array.
  package var json: JSONValue {
    switch self {
    case .uint64(let value): JSONValue(value)
    case .float32(let value):
      value.isFinite ? .number(Double(value)) : .string(bits(value.bitPattern))
    case .float64(let value): value.isFinite ? .number(value) : .string(bits(value.bitPattern))
    case .bool(let value): .bool(value)
    case .string(let value): .string(value)
    // The other integers. The caller takes arrays apart, and they do not nest.
    default: JSONValue(integer)
    }
  }

  private func bits(_ pattern: some FixedWidthInteger) -> String {
    "0x" + pattern.digits(atLeast: pattern.bitWidth / 4, radix: 16)
  }
}
