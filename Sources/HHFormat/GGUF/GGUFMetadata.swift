// Typed access to the metadata of a GGUF file.

/// The metadata of a file, with errors that name the key.
struct GGUFMetadata {
  let file: GGUFFile

  init(_ file: GGUFFile) { self.file = file }

  /// An error about a key.
  func error(
    _ key: String, _ problem: String, kind: FormatError.Kind = .badData
  ) -> FormatError {
    FormatError(kind, file: file.path, place: "key \(quoted(key))", problem: problem)
  }

  /// A string, or nil where the key is absent.
  func string(_ key: String) throws(FormatError) -> String? {
    guard let value = file.header[key] else { return nil }
    guard let string = value.string else {
      throw error(key, "expected a string, found \(value.text)")
    }
    return string
  }

  /// A whole number, or nil where the key is absent. Some files give one for each layer: they must
  /// all be the same.
  func integer(_ key: String) throws(FormatError) -> Int? {
    guard let value = file.header[key] else { return nil }
    if value.array != nil {
      guard let values = try file.integers(key), let first = values.first else {
        throw error(key, "expected a whole number, found \(value.text)")
      }
      guard values.allSatisfy({ $0 == first }) else {
        throw error(
          key, "expected the same number for every layer, found several", kind: .unsupported)
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
    guard let value = file.header[key] else { return nil }
    guard let number = value.number, number.isFinite else {
      throw error(key, "expected a number, found \(value.text)")
    }
    return number
  }
}
