// The members of one JSON object of a manifest, each taken once and by kind.

/// A reader of one object that remembers what it was asked for, so that `reading` can refuse what
/// nobody asked for.
struct ManifestMembers {
  private let members: JSONObject
  private let file: String
  /// Where the object lies in the manifest: `tensors.x`; empty for the manifest itself.
  private let path: String
  /// Whether unknown members are passed over.
  private let tolerant: Bool
  private var taken: Set<ByteKey> = []

  private init(_ members: JSONObject, file: String, path: String, tolerant: Bool) {
    self.members = members
    self.file = file
    self.path = path
    self.tolerant = tolerant
  }

  /// Reads a whole object with `body`, then refuses members that `body` did not take.
  static func reading<T>(
    _ value: JSONValue, file: String, path: String = "", tolerant: Bool,
    _ body: (inout Self) throws(FormatError) -> T
  ) throws(FormatError) -> T {
    guard let object = value.object else {
      throw FormatError(
        .badData, file: file, place: place(path), problem: "expected an object, found \(value.kind)"
      )
    }
    var members = Self(object, file: file, path: path, tolerant: tolerant)
    let result = try body(&members)
    if !tolerant, let key = object.keys.first(where: { !members.taken.contains(ByteKey($0)) }) {
      throw members.problem("expected only members of the schema, found \(quoted(key))")
    }
    return result
  }

  /// An error about this object.
  func problem(_ text: String) -> FormatError {
    FormatError(.badData, file: file, place: Self.place(path), problem: text)
  }

  private static func place(_ path: String) -> String {
    path.isEmpty ? "manifest" : "manifest, \(quoted(path))"
  }

  private func path(to key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  private func mismatch(_ key: String, expected: String, found value: JSONValue) -> FormatError {
    problem("'\(key)': expected \(expected), found \(value.kind)")
  }

  /// Whether a member exists.
  func has(_ key: String) -> Bool { members[key] != nil }

  /// Any member.
  mutating func value(_ key: String) throws(FormatError) -> JSONValue {
    guard let value = members[key] else {
      throw problem("expected the member '\(key)', found none")
    }
    taken.insert(ByteKey(key))
    return value
  }

  /// A string.
  mutating func string(_ key: String) throws(FormatError) -> String {
    let value = try value(key)
    guard let string = value.string else { throw mismatch(key, expected: "a string", found: value) }
    return string
  }

  /// 64 lower-case hexadecimal digits.
  mutating func sha256(_ key: String) throws(FormatError) -> String {
    let text = try string(key)
    let isDigest =
      text.utf8.count == 64
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    guard isDigest else {
      throw problem("'\(key)': expected 64 lower-case hexadecimal digits, found \(quoted(text))")
    }
    return text
  }

  /// One of an enumeration's values.
  mutating func choice<T: RawRepresentable<String>>(_ key: String) throws(FormatError) -> T {
    let text = try string(key)
    guard let value = T(rawValue: text) else {
      throw problem("'\(key)': expected a value of the schema, found \(quoted(text))")
    }
    return value
  }

  /// An integer from 0 up.
  mutating func count(_ key: String) throws(FormatError) -> Int {
    let value = try value(key)
    guard let count = value.integer, count >= 0 else {
      throw mismatch(key, expected: "an integer from 0 up", found: value)
    }
    return count
  }

  /// An integer of 64 bits without sign.
  mutating func unsigned(_ key: String) throws(FormatError) -> UInt64 {
    let value = try value(key)
    switch value {
    case .unsigned(let number): return number
    case .integer(let number) where number >= 0: return UInt64(number)
    default: throw mismatch(key, expected: "an integer from 0 up", found: value)
    }
  }

  /// A list of integers from 0 up.
  mutating func counts(_ key: String) throws(FormatError) -> [Int] {
    let value = try value(key)
    guard let items = value.array else { throw mismatch(key, expected: "a list", found: value) }
    let counts = items.compactMap(\.integer).filter { $0 >= 0 }
    guard counts.count == items.count else {
      throw problem("'\(key)': expected integers from 0 up, found \(value.excerpt)")
    }
    return counts
  }

  /// A number.
  mutating func double(_ key: String) throws(FormatError) -> Double {
    let value = try value(key)
    guard let number = value.double else { throw mismatch(key, expected: "a number", found: value) }
    return number
  }

  /// A truth value.
  mutating func bool(_ key: String) throws(FormatError) -> Bool {
    let value = try value(key)
    guard let bool = value.bool else {
      throw mismatch(key, expected: "true or false", found: value)
    }
    return bool
  }

  /// An object whose members the schema leaves open.
  mutating func freeObject(_ key: String) throws(FormatError) -> JSONObject {
    let value = try value(key)
    guard let object = value.object else {
      throw mismatch(key, expected: "an object", found: value)
    }
    return object
  }

  /// An object with members of its own.
  mutating func object<T>(
    _ key: String, _ body: (inout Self) throws(FormatError) -> T
  ) throws(FormatError) -> T {
    try Self.reading(
      try value(key), file: file, path: path(to: key), tolerant: tolerant, body)
  }

  /// A list of such objects.
  mutating func list<T>(
    _ key: String, _ body: (inout Self) throws(FormatError) -> T
  ) throws(FormatError) -> [T] {
    let value = try value(key)
    guard let items = value.array else { throw mismatch(key, expected: "a list", found: value) }
    var result: [T] = []
    for (index, item) in items.enumerated() {
      let path = "\(path(to: key))[\(index)]"
      result.append(
        try Self.reading(item, file: file, path: path, tolerant: tolerant, body))
    }
    return result
  }

  /// An object whose keys are names, with such an object for each, in order.
  mutating func map<T>(
    _ key: String, _ body: (String, inout Self) throws(FormatError) -> T
  ) throws(FormatError) -> [T] {
    var result: [T] = []
    for (name, item) in try freeObject(key).pairs {
      let path = "\(path(to: key)).\(name)"
      result.append(
        try Self.reading(item, file: file, path: path, tolerant: tolerant) {
          (members) throws(FormatError) in try body(name, &members)
        })
    }
    return result
  }
}

/// A value that a member can have.
protocol ManifestValue: JSONConvertible, Sendable {
  /// Takes a member of this kind.
  static func taken(_ key: String, from members: inout ManifestMembers) throws(FormatError) -> Self
}

extension ManifestMembers {
  /// A value that passes a check; the error says what was `expected`.
  mutating func value<Value: ManifestValue>(
    _ key: String, _ expected: String, where isValid: (Value) -> Bool
  ) throws(FormatError) -> Value {
    let value = try Value.taken(key, from: &self)
    guard isValid(value) else {
      throw problem("'\(key)': expected \(expected), found \(value)")
    }
    return value
  }
}

extension Bool: ManifestValue {
  static func taken(_ key: String, from members: inout ManifestMembers) throws(FormatError) -> Bool
  {
    try members.bool(key)
  }
}
extension Int: ManifestValue {
  static func taken(_ key: String, from members: inout ManifestMembers) throws(FormatError) -> Int {
    try members.count(key)
  }
}
extension Double: ManifestValue {
  static func taken(
    _ key: String, from members: inout ManifestMembers
  ) throws(FormatError) -> Double { try members.double(key) }
}
extension String: ManifestValue {
  static func taken(
    _ key: String, from members: inout ManifestMembers
  ) throws(FormatError) -> String { try members.string(key) }
}
extension [Int]: ManifestValue {
  static func taken(
    _ key: String, from members: inout ManifestMembers
  ) throws(FormatError) -> [Int] { try members.counts(key) }
}
extension ManifestValue where Self: RawRepresentable<String> {
  static func taken(_ key: String, from members: inout ManifestMembers) throws(FormatError) -> Self
  {
    try members.choice(key)
  }
}

extension JSONValue {
  /// What this is, for an error's text.
  fileprivate var kind: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .unsigned(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): quoted(value)
    case .array: "a list"
    case .object: "an object"
    }
  }
}
