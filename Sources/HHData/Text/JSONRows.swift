// The objects of a JSON file, or of one with an object a line.

internal import HHFormat

/// Objects of a JSON file as rows.
struct JSONRows {
  private let path: String
  /// A JSON value takes many times the memory of its text.
  private static let byteLimit = 64_000_000

  init(_ path: String) { self.path = path }

  func table(_ text: String) throws(FormatError) -> (columns: [String], rows: [TextTable.Row]) {
    let objects = try objects(text)
    let columns = objects.first?.object.pairs.map(\.key) ?? []
    let rows = objects.map { place, object in
      TextTable.Row(place: place, values: columns.map { Self.text(of: object[$0]) })
    }
    return (columns, rows)
  }

  private func objects(
    _ text: String
  ) throws(FormatError) -> [(place: String, object: JSONObject)] {
    let first = text.utf8.first { !" \n\r\t".utf8.contains($0) }
    if first == UInt8(ascii: "[") {
      guard let items = try value(text[...].utf8, place: "line 1").array else { return [] }
      return try items.enumerated().map { (index, item) throws(FormatError) in
        try object(item, "element \(index)")
      }
    }
    var objects: [(place: String, object: JSONObject)] = []
    for (index, line) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
      .enumerated() where !line.allSatisfy({ " \r\t".utf8.contains($0) })
    {
      let place = "line \(index + 1)"
      objects.append(try object(try value(line, place: place), place))
    }
    return objects
  }

  private func object(
    _ value: JSONValue, _ place: String
  ) throws(FormatError) -> (place: String, object: JSONObject) {
    guard let object = value.object else {
      throw TextTable.problem(path, place, "expected a JSON object, found \(value.text.prefix(40))")
    }
    return (place, object)
  }

  private func value(
    _ text: Substring.UTF8View, place: String
  ) throws(FormatError) -> JSONValue {
    guard text.count <= Self.byteLimit else {
      throw TextTable.problem(
        path, place, "expected JSON of at most \(Self.byteLimit) bytes, found \(text.count)")
    }
    do {
      return try JSONValue(parsing: Array(text))
    } catch {
      throw TextTable.problem(
        path, place, "invalid JSON at byte \(error.offset): \(error.problem)")
    }
  }

  private static func text(of value: JSONValue?) -> String? {
    switch value {
    case .string(let text): text
    case .null, .object, .array, nil: nil
    case let value?: value.text
    }
  }
}
