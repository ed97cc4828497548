// Recipes are checked against their JSON Schema, which adds the defaults.

internal import HHFormat

/// Checks values against a JSON Schema and adds the defaults. It understands the words that
/// the recipes' schema uses, and no others.
package struct RecipeSchema {
  private let root = Self.document
  private let file: String
  private let lines: [String: Int]

  /// The schema for recipes of a file, whose keys are in the given lines.
  init(for file: String, lines: [String: Int] = [:]) { (self.file, self.lines) = (file, lines) }

  /// The value with every default written out, members in the schema's order.
  ///
  /// - Throws: `badData` for the first key that is unknown, missing or has a value that the schema
  ///   does not allow.
  func completed(_ value: JSONValue) throws(FormatError) -> JSONValue {
    try completed(value, root, at: "")
  }

  private func completed(
    _ value: JSONValue, _ schema: JSONValue, at path: String
  ) throws(FormatError) -> JSONValue {
    if let choices = schema["oneOf"]?.array {
      return try completed(value, try choice(of: value, among: choices, at: path), at: path)
    }
    if let allowed = schema["enum"]?.array ?? schema["const"].map({ [$0] }) {
      if allowed.contains(value) { return value }
      let words = allowed.map { $0.string ?? $0.text }
      throw problem(
        path, "expected \(list(words)), found \(found(value))", meant(value.string ?? "", words))
    }
    guard schema.types.contains(where: { value.isOf(type: $0) }), isInRange(value, schema) else {
      throw problem(path, "expected \(words(of: schema)), found \(found(value))")
    }
    if let pattern = schema["pattern"]?.string, let word = value.string,
      (try? Regex(pattern).wholeMatch(in: word)) == nil
    {
      let example = schema["examples"]?.array?.first?.string ?? pattern
      throw problem(path, "expected a list, or such as '\(example)', found \(found(value))")
    }
    switch value {
    case .object(let members): return .object(try completed(members, schema, at: path))
    case .array(let items):
      if let least = schema["minItems"]?.integer, items.count < least {
        throw problem(path, "expected at least \(least) in the list, found \(items.count)")
      }
      var result: [JSONValue] = []
      for (index, item) in items.enumerated() {
        let schema = resolved(schema["items"] ?? .null)
        result.append(try completed(item, schema, at: "\(path)[\(index)]"))
      }
      return .array(result)
    default: return value
    }
  }

  private func completed(
    _ members: JSONObject, _ schema: JSONValue, at path: String
  ) throws(FormatError) -> JSONObject {
    let properties = schema["properties"]?.object ?? [:]
    func place(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
    for key in members.keys where properties[key] == nil {
      let names = properties.keys
      throw problem(place(key), "unknown: expected \(list(names))", meant(key, names))
    }
    var result: JSONObject = [:]
    for (key, property) in properties.pairs {
      let schema = resolved(property)
      if let value = members[key] ?? schema["default"] {
        result[key] = try completed(value, schema, at: place(key))
      } else if schema["const"] == nil {
        throw problem(place(key), "expected \(words(of: schema)), found none")
      }
    }
    return result
  }

  /// The alternative that an object chooses by its member `stage`.
  private func choice(
    of value: JSONValue, among choices: [JSONValue], at path: String
  ) throws(FormatError) -> JSONValue {
    let schemas = choices.map { resolved($0) }
    let names = schemas.compactMap { $0["properties"]?["stage"]?["const"]?.string }
    guard value.object != nil else {
      throw problem(path, "expected an object with the key 'stage', found \(found(value))")
    }
    guard let name = value["stage"]?.string else {
      throw problem("\(path).stage", "expected \(list(names)), found none")
    }
    guard let index = names.firstIndex(of: name) else {
      throw problem(
        "\(path).stage", "expected \(list(names)), found \(quoted(name))", meant(name, names))
    }
    return schemas[index]
  }

  /// A schema with what it refers to put in; its own members stay.
  private func resolved(_ schema: JSONValue) -> JSONValue {
    guard let reference = schema["$ref"]?.string, var members = schema.object,
      let name = reference.split(separator: "/").last.map(String.init),
      let target = root["$defs"]?[name]?.object
    else { return schema }
    members["$ref"] = nil
    for (key, value) in target.pairs where members[key] == nil { members[key] = value }
    return .object(members)
  }

  private func isInRange(_ value: JSONValue, _ schema: JSONValue) -> Bool {
    guard let number = value.double else { return true }
    if let bound = schema["minimum"]?.double, number < bound { return false }
    if let bound = schema["maximum"]?.double, number > bound { return false }
    if let bound = schema["exclusiveMinimum"]?.double, number <= bound { return false }
    if let bound = schema["exclusiveMaximum"]?.double, number >= bound { return false }
    return number.isFinite
  }

  /// What a schema allows, in words.
  private func words(of schema: JSONValue) -> String {
    if let allowed = schema["enum"]?.array { return list(allowed.map { $0.string ?? $0.text }) }
    let bounds = [
      schema["minimum"].map { "at least \($0.text)" },
      schema["exclusiveMinimum"].map { "above \($0.text)" },
      schema["maximum"].map { "at most \($0.text)" },
      schema["exclusiveMaximum"].map { "below \($0.text)" },
    ].compactMap(\.self)
    let nouns = [
      "object": "an object", "array": "a list", "string": "text", "integer": "a whole number",
      "number": "a number", "boolean": "true or false", "null": "null",
    ]
    return schema.types.map { type in
      let noun = nouns[type] ?? type
      let isNumber = type == "integer" || type == "number"
      return isNumber && !bounds.isEmpty ? "\(noun), \(bounds.joined(separator: " and "))," : noun
    }.joined(separator: " or ").trimming(",")
  }

  private func list(_ names: [String]) -> String {
    names.isEmpty ? "nothing" : Format.alternatives(names.map { "'\($0)'" })
  }

  private func found(_ value: JSONValue) -> String {
    switch value {
    case .object: "an object"
    case .array: "a list"
    case .string(let text): quoted(text)
    default: value.text
    }
  }

  private func meant(_ word: String, _ names: [String]) -> String? {
    nearestName(to: word, among: names).map { "did you mean '\($0)'?" }
  }

  /// An error about a key, in its line or in that of what it is missing from.
  func problem(_ path: String, _ text: String, _ hint: String? = nil) -> FormatError {
    var known = path[...]
    while lines[String(known)] == nil, let end = known.lastIndex(where: { ".[".contains($0) }) {
      known = known[..<end]
    }
    let line = lines[String(known)].map { "line \($0): " } ?? ""
    return FormatError(
      .badData, file: file, place: path.isEmpty ? "" : "\(line)key \(quoted(path))",
      problem: text, hint: hint)
  }
}

extension JSONValue {
  /// The types of a schema; an object's where it names none.
  fileprivate var types: [String] {
    self["type"]?.array?.compactMap(\.string) ?? [self["type"]?.string ?? "object"]
  }

  fileprivate func isOf(type: String) -> Bool {
    switch (self, type) {
    case (.null, "null"), (.bool, "boolean"), (.string, "string"), (.array, "array"),
      (.object, "object"), (.integer, "integer"), (.unsigned, "integer"), (.integer, "number"),
      (.unsigned, "number"), (.number, "number"):
      true
    default: false
    }
  }
}

extension String {
  fileprivate func trimming(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
