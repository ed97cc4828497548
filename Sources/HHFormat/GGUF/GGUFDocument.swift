// Metadata of a GGUF model in the JSON form that an artifact carries.

/// The keys of `{"metadata": {KEY: {"type": …, "value": …}}}`, in order.
///
/// Types are spelled as the cases of `GGUFValueType`; an array has an `elementType`. NaN and
/// infinity are strings with their bits, such as `0x7fc00000`.
package struct GGUFDocument: GGUFMetadataSource {
  package let path: String
  private let metadata: JSONObject

  /// Takes the JSON object of a file.
  ///
  /// - Throws: `badData` where it has no metadata. Values are checked on access.
  package init(_ object: JSONObject, file: String) throws(FormatError) {
    guard let metadata = object["metadata"]?.object else {
      throw FormatError(
        .badData, file: file, place: "key 'metadata'", problem: "expected an object, found none")
    }
    self.metadata = metadata
    path = file
  }

  package func value(_ key: String) throws(FormatError) -> GGUFValue? {
    guard let entry = metadata[key] else { return nil }
    guard entry["type"]?.string == "array" else {
      return try value(key, entry["type"]?.string, entry["value"] ?? .null)
    }
    let (type, elements) = try array(key, entry)
    return .array(GGUFArray(elementType: type, count: elements.count, byteRange: 0..<0))
  }

  package func elements(_ key: String) throws(FormatError) -> [GGUFValue]? {
    guard let entry = metadata[key] else { return nil }
    guard entry["type"]?.string == "array" else {
      throw error(key, "expected an array, found \((entry["value"] ?? .null).text)")
    }
    let (type, elements) = try array(key, entry)
    return try elements.map { (element) throws(FormatError) in
      try value(key, "\(type)", element)
    }
  }

  /// All metadata, ready to be written.
  ///
  /// - Throws: `badData` naming the key whose type is unknown or whose value does not fit it.
  package func keyValues() throws(FormatError) -> [GGUFKeyValue] {
    try metadata.pairs.map { (key, entry) throws(FormatError) in
      guard entry["type"]?.string == "array" else {
        return GGUFKeyValue(key, try value(key, entry["type"]?.string, entry["value"] ?? .null))
      }
      return .array(key, of: try array(key, entry).type, try elements(key) ?? [])
    }
  }

  private func array(
    _ key: String, _ entry: JSONValue
  ) throws(FormatError) -> (type: GGUFValueType, elements: [JSONValue]) {
    let name = entry["elementType"]?.string
    guard let elements = entry["value"]?.array, let type = Self.type(name), type != .array else {
      throw error(key, "expected an array of a plain type, found \(quoted(name ?? "none"))")
    }
    return (type, elements)
  }

  private func value(
    _ key: String, _ name: String?, _ json: JSONValue
  ) throws(FormatError) -> GGUFValue {
    guard let type = Self.type(name) else {
      throw error(key, "expected a type of GGUF, found \(quoted(name ?? "none"))")
    }
    guard let value = GGUFValue(json, type) else {
      throw error(key, "expected a value of type \(type), found \(json.text)")
    }
    return value
  }

  private static func type(_ name: String?) -> GGUFValueType? {
    GGUFValueType.allCases.first { "\($0)" == name }
  }
}

extension GGUFValue {
  /// A plain value of a type; nil where the JSON value does not fit it.
  fileprivate init?(_ json: JSONValue, _ type: GGUFValueType) {
    func whole<T: FixedWidthInteger>(_ type: T.Type) -> T? {
      json.integer.flatMap { T(exactly: $0) } ?? T(json.text)
    }
    let value: GGUFValue? =
      switch type {
      case .uint8: whole(UInt8.self).map { .uint8($0) }
      case .int8: whole(Int8.self).map { .int8($0) }
      case .uint16: whole(UInt16.self).map { .uint16($0) }
      case .int16: whole(Int16.self).map { .int16($0) }
      case .uint32: whole(UInt32.self).map { .uint32($0) }
      case .int32: whole(Int32.self).map { .int32($0) }
      case .uint64: whole(UInt64.self).map { .uint64($0) }
      case .int64: whole(Int64.self).map { .int64($0) }
      case .float32:
        Self.bits(json, as: UInt32.self).map { .float32(Float(bitPattern: $0)) }
          ?? json.double.map { .float32(Float($0)) }
      case .float64:
        Self.bits(json, as: UInt64.self).map { .float64(Double(bitPattern: $0)) }
          ?? json.double.map { .float64($0) }
      case .bool: json.bool.map { .bool($0) }
      case .string: json.string.map { .string($0) }
      case .array: nil
      }
    guard let value else { return nil }
    self = value
  }

  private static func bits<T: FixedWidthInteger>(_ json: JSONValue, as type: T.Type) -> T? {
    guard let text = json.string, text.hasPrefix("0x") else { return nil }
    return T(text.dropFirst(2), radix: 16)
  }
}
