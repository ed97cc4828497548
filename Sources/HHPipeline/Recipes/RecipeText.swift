// Recipes as text: YAML or JSON in, YAML out.

internal import HHFormat
internal import HHModel
internal import Yams

/// A node of YAML; the plain name is that of a graph's.
private typealias YAMLNode = Yams.Node

/// The text of a recipe, or of a list of models, as a JSON value, and the other way round.
enum RecipeText {
  /// What a text is to be, and the bytes and values beyond which it is none.
  struct Kind {
    let name: String
    let byteLimit: Int
    let valueLimit: Int

    static let recipe = Kind(name: "a recipe", byteLimit: 1 << 18, valueLimit: 10_000)
    static let list = Kind(name: "a list of models", byteLimit: 1 << 24, valueLimit: 1_000_000)
  }

  /// Reads YAML or, in a file named so, JSON.
  ///
  /// YAML's plain scalars mean what its core schema says (1.2: `on` is a word, 1e-4 a number);
  /// anchors are refused, tags passed over.
  ///
  /// - Returns: The value, and the line of each key; JSON's are those that YAML finds, which JSON is
  ///   for the most part.
  static func parse(
    _ bytes: [UInt8], file: String, as kind: Kind = .recipe
  ) throws(FormatError) -> (value: JSONValue, lines: [String: Int]) {
    guard bytes.count <= kind.byteLimit else {
      throw problem(
        file, "expected \(kind.name) of at most \(kind.byteLimit) bytes, found \(bytes.count)")
    }
    let bytes = bytes.withoutByteOrderMark
    if file.hasSuffix(".json") {
      do {
        let value = try JSONValue(parsing: bytes)
        return (value, (try? readYAML(bytes, file: file, as: kind).lines) ?? [:])
      } catch {
        throw problem(file, "invalid JSON at byte \(error.offset): \(error.problem)")
      }
    }
    return try readYAML(bytes, file: file, as: kind)
  }

  private static func readYAML(
    _ bytes: [UInt8], file: String, as kind: Kind
  ) throws(FormatError) -> (value: JSONValue, lines: [String: Int]) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw problem(file, "expected UTF-8 text, found other bytes")
    }
    var reader = YAMLReader(file: file, valuesLeft: kind.valueLimit)
    let value = try reader.value(try compose(text, file: file, as: kind), at: "")
    return (value, reader.lines)
  }

  private static func compose(
    _ text: String, file: String, as kind: Kind
  ) throws(FormatError) -> YAMLNode {
    let node: YAMLNode?
    do {
      node = try Yams.compose(yaml: text)
    } catch {
      throw problem(file, words(for: error))
    }
    guard let node else { throw problem(file, "expected \(kind.name), found an empty text") }
    return node
  }

  private static func words(for error: any Error) -> String {
    switch error as? YamlError {
    case .scanner(_, let text, let mark, _), .parser(_, let text, let mark, _),
      .composer(_, let text, let mark, _):
      "invalid YAML in line \(mark.line), column \(mark.column): \(text)"
    case .duplicatedKeysInMapping(let keys, let context):
      "line \(context.mark.line): expected each key once, found"
        + " \(keys.map { quoted($0) }.joined(separator: ", ")) twice"
    case .reader(let text, _, _, _): "invalid YAML: \(text)"
    default: "invalid YAML"
    }
  }

  static func problem(_ file: String, _ text: String) -> FormatError {
    FormatError(.badData, file: file, problem: text)
  }

  /// A value as YAML, in block style.
  static func yaml(_ value: JSONValue, file: String) throws(FormatError) -> String {
    do {
      return try Yams.serialize(node: node(value), indent: 2, width: 100, allowUnicode: true)
    } catch {
      throw problem(file, "cannot be written as YAML")
    }
  }

  private static func node(_ value: JSONValue) -> YAMLNode {
    switch value {
    case .object(let members):
      return .mapping(
        YAMLNode.Mapping(members.pairs.map { (.scalar(YAMLNode.Scalar($0.key)), node($0.value)) }))
    case .array(let items):
      let isShort = items.allSatisfy { $0.array == nil && $0.object == nil }
      return .sequence(
        YAMLNode.Sequence(items.map { node($0) }, .implicit, isShort ? .flow : .block))
    case .string(let text):
      let isPlain = YAMLReader.meaning(ofPlain: text) == .string(text)
      return .scalar(YAMLNode.Scalar(text, .implicit, isPlain ? .any : .doubleQuoted))
    default:
      // YAML 1.1, which many readers follow, takes 1e-05 for a word.
      let text = value.text
      let isWord = text.contains("e") && !text.contains(".") && value.double != nil
      return .scalar(
        YAMLNode.Scalar(isWord ? text.replacing("e", with: ".0e") : text, .implicit, .plain))
    }
  }
}

/// Turns YAML's nodes into JSON values.
private struct YAMLReader {
  let file: String
  var valuesLeft: Int
  /// The line of each key, by its path.
  private(set) var lines: [String: Int] = [:]
  /// The place of the last node, as line and column: the nodes come in the order of the text.
  private var last = (line: 0, column: 0)

  init(file: String, valuesLeft: Int) {
    self.file = file
    self.valuesLeft = valuesLeft
  }

  mutating func value(_ node: YAMLNode, at path: String) throws(FormatError) -> JSONValue {
    valuesLeft -= 1
    guard valuesLeft >= 0 else { throw problem(node, "expected fewer values") }
    if let mark = node.mark {
      // An alias brings back a node from further up.
      guard (mark.line, mark.column) > last else {
        throw problem(node, "expected no anchors and aliases")
      }
      last = (mark.line, mark.column)
    }
    switch node {
    case .scalar(let scalar):
      let isPlain = scalar.style == .plain || scalar.style == .any
      return isPlain ? Self.meaning(ofPlain: scalar.string) : .string(scalar.string)
    case .sequence(let items):
      var values: [JSONValue] = []
      for (index, item) in items.enumerated() {
        let place = "\(path)[\(index)]"
        lines[place] = item.mark?.line
        values.append(try value(item, at: place))
      }
      return .array(values)
    case .mapping(let pairs):
      var members: JSONObject = [:]
      for (key, item) in pairs {
        guard case .scalar(let name) = key else { throw problem(key, "expected a word as key") }
        let place = path.isEmpty ? name.string : "\(path).\(name.string)"
        lines[place] = key.mark?.line
        members[name.string] = try value(item, at: place)
      }
      return .object(members)
    case .alias: throw problem(node, "expected no anchors and aliases")
    }
  }

  /// The value of a scalar without quotes.
  static func meaning(ofPlain text: String) -> JSONValue {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: break
    }
    let isNumber = text.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
    guard isNumber, text.utf8.contains(where: { (48..<58).contains($0) }) else {
      return .string(text)
    }
    if let number = Int(text) { return .integer(number) }
    if let number = UInt64(text) { return .unsigned(number) }
    return Double(text).map { .number($0) } ?? .string(text)
  }

  private func problem(_ node: YAMLNode, _ text: String) -> FormatError {
    RecipeText.problem(file, (node.mark.map { "line \($0.line): " } ?? "") + text)
  }
}
