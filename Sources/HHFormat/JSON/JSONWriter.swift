// Writing JSON: compact, key order kept, integers exact.

extension JSONValue {
  /// The document as compact UTF-8 text. A number that is not finite has no JSON form and becomes
  /// null.
  package var text: String {
    var text = ""
    write(into: &text)
    return text
  }

  /// The document as a line of output: compact text in which what could disturb a terminal, and any
  /// text may hold, is escaped.
  package var line: String {
    let text = text
    guard text.unicodeScalars.contains(where: \.isDisruptive) else { return text }
    var result = ""
    // Outside of strings there is nothing of the kind.
    for scalar in text.unicodeScalars {
      result += scalar.isDisruptive ? Self.escaped(scalar) : String(scalar)
    }
    return result
  }

  /// The document as UTF-8 text for people: a member per line, indented by two spaces, and a line
  /// break at the end. Arrays of plain values stay on one line.
  package var readableText: String {
    var text = ""
    write(into: &text, indent: "\n")
    return text + "\n"
  }

  private func write(into text: inout String, indent: String) {
    let inner = indent + "  "
    switch self {
    case .object(let members) where members.count > 0:
      text += "{"
      for (index, member) in members.pairs.enumerated() {
        text += index > 0 ? "," + inner : inner
        JSONValue.quote(member.key, into: &text)
        text += ": "
        member.value.write(into: &text, indent: inner)
      }
      text += indent + "}"
    case .array(let items):
      let isPlain = items.allSatisfy { $0.object == nil && $0.array == nil }
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += isPlain ? ", " : "," }
        if !isPlain { text += inner }
        item.write(into: &text, indent: inner)
      }
      text += (isPlain ? "" : indent) + "]"
    default: write(into: &text)
    }
  }

  private func write(into text: inout String) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += "\(value)"
    case .unsigned(let value): text += "\(value)"
    case .number(let value): text += value.isFinite ? "\(value)" : "null"
    case .string(let value): JSONValue.quote(value, into: &text)
    case .array(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += "," }
        item.write(into: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (index, member) in members.pairs.enumerated() {
        if index > 0 { text += "," }
        JSONValue.quote(member.key, into: &text)
        text += ":"
        member.value.write(into: &text)
      }
      text += "}"
    }
  }

  /// Appends a string with quotes; escapes as serde_json does, on which the official safetensors
  /// writer rests: short forms where they exist, lower-case digits, everything else as it is.
  package static func quote(_ value: String, into text: inout String) {
    text += "\""
    if value.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) {
      for scalar in value.unicodeScalars {
        let isEscaped = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
        text += isEscaped ? escaped(scalar) : String(scalar)
      }
    } else {
      text += value
    }
    text += "\""
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"": return "\\\""
    case "\\": return "\\\\"
    case "\u{8}": return "\\b"
    case "\u{C}": return "\\f"
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    case _ where scalar.isDisruptive && scalar.value <= 0xFFFF:
      let digits = String(scalar.value, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: return String(scalar)
    }
  }
}

extension JSONValue {
  /// The value's text for a message, as harmless and as short as a quoted name.
  package var excerpt: String { HHFormat.excerpt(text) }
}
