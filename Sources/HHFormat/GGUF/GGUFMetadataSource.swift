// The metadata of a GGUF model, wherever it is stored.

/// Keys and values of a GGUF model: in the file itself, or in the JSON that an artifact carries.
package protocol GGUFMetadataSource: Sendable {
  /// The file, for messages.
  var path: String { get }
  /// The value of a key, or nil where the key is absent. The functions below give the elements of
  /// an array.
  ///
  /// - Throws: `badData` for a value that does not fit its type.
  func value(_ key: String) throws(FormatError) -> GGUFValue?
  /// The elements of an array key, which are no arrays; nil where the key is absent.
  ///
  /// - Throws: `badData` where the value is not an array or exceeds `GGUFArray.maximumCount`.
  func elements(_ key: String) throws(FormatError) -> [GGUFValue]?
  /// The strings of an array key; nil where the key is absent.
  func strings(_ key: String) throws(FormatError) -> [String]?
  /// All metadata, ready to be written again.
  func keyValues() throws(FormatError) -> [GGUFKeyValue]
}

extension GGUFMetadataSource {
  /// A string, or nil where the key is absent.
  package func string(_ key: String) throws(FormatError) -> String? {
    guard let value = try self.value(key) else { return nil }
    guard let string = value.string else {
      throw error(key, "expected a string, found \(value.text)")
    }
    return string
  }

  /// A whole number, or nil where the key is absent. Some files have one for each layer; these must
  /// all be equal.
  func integer(_ key: String) throws(FormatError) -> Int? {
    guard let value = try self.value(key) else { return nil }
    if value.array != nil {
      guard let values = try integers(key), let first = values.first else {
        throw error(key, "expected a whole number, found \(value.text)")
      }
      if let layer = values.firstIndex(where: { $0 != first }) {
        throw error(
          key,
          "expected the same number for every layer, found \(first) for layer 0 and"
            + " \(values[layer]) for layer \(layer)",
          kind: .unsupported)
      }
      return first
    }
    guard let integer = value.integer else {
      throw error(key, "expected a whole number, found \(value.text)")
    }
    return integer
  }

  /// A finite number, or nil where the key is absent.
  func number(_ key: String) throws(FormatError) -> Double? {
    guard let value = try self.value(key) else { return nil }
    guard let number = value.number, number.isFinite else {
      throw error(key, "expected a number, found \(value.text)")
    }
    return number
  }

  /// The strings of an array key; nil where the key is absent.
  package func strings(_ key: String) throws(FormatError) -> [String]? {
    try elements(key, "strings", \.string)
  }

  /// The whole numbers of an array key; nil where the key is absent.
  package func integers(_ key: String) throws(FormatError) -> [Int]? {
    try elements(key, "whole numbers", \.integer)
  }

  /// The numbers of an array key as float32; nil where the key is absent.
  package func floats(_ key: String) throws(FormatError) -> [Float]? {
    try elements(key, "numbers") { value in
      if case .float32(let value) = value { value } else { value.number.map { Float($0) } }
    }
  }

  private func elements<Element>(
    _ key: String, _ wanted: String, _ convert: (GGUFValue) -> Element?
  ) throws(FormatError) -> [Element]? {
    guard let elements = try elements(key) else { return nil }
    return try elements.map { (value) throws(FormatError) in
      guard let element = convert(value) else {
        throw error(key, "expected an array of \(wanted), found one of \(value.type)")
      }
      return element
    }
  }

  /// An error about a key.
  package func error(
    _ key: String, _ problem: String, kind: FormatError.Kind = .badData
  ) -> FormatError {
    FormatError(kind, file: path, place: "key \(quoted(key))", problem: problem)
  }
}
