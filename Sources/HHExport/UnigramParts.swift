// The unigram vocabulary of a GGUF file as the parts of tokenizer.json, which cut text alike.

internal import HHData
internal import HHFormat

/// What `tokenizer.json` says of a unigram tokenizer, in the form of transformers' converter for
/// XLM-R.
struct UnigramParts {
  private let vocabulary: GGUFVocabulary
  /// Entries up to the last that text can become: a model may have more rows.
  private let count: Int
  private let unknown: Int32?
  private static let mark: JSONValue = .string("\u{2581}")

  init(_ vocabulary: GGUFVocabulary, count: Int, unknown: Int32?) {
    self.vocabulary = vocabulary
    self.count = min(count, vocabulary.tokens.count)
    self.unknown = unknown
  }

  private func step(_ type: String, _ members: JSONObject = [:]) -> JSONValue {
    var object: JSONObject = ["type": .string(type)]
    for (key, value) in members.pairs { object[key] = value }
    return .object(object)
  }

  var normalizer: JSONValue {
    var steps: [JSONValue] = []
    if let map = vocabulary.characterMap, !map.isEmpty {
      steps.append(step("Precompiled", ["precompiled_charsmap": .string(base64Text(map))]))
    }
    if vocabulary.spaces?.removesExtra == true {
      steps += [
        step("Strip", ["strip_left": .bool(false), "strip_right": .bool(true)]),
        step(
          "Replace",
          ["pattern": .object(["Regex": .string(" {2,}")]), "content": Self.mark]),
      ]
    }
    return steps.isEmpty ? .null : step("Sequence", ["normalizers": .array(steps)])
  }

  var preTokenizer: JSONValue {
    let addsPrefix = vocabulary.spaces?.addsPrefix == true
    return step(
      "Metaspace",
      [
        "replacement": Self.mark, "prepend_scheme": .string(addsPrefix ? "always" : "never"),
        "split": .bool(true),
      ])
  }

  var decoder: JSONValue {
    var steps = [
      step(
        "Replace",
        ["pattern": .object(["String": Self.mark]), "content": .string(" ")]),
      step("ByteFallback"), step("Fuse"),
    ]
    if vocabulary.spaces?.addsPrefix == true {
      steps.append(
        step("Strip", ["content": .string(" "), "start": .integer(1), "stop": .integer(0)]))
    }
    return step("Sequence", ["decoders": .array(steps)])
  }

  var model: JSONObject {
    let used = (0..<count).filter { vocabulary.tokens[$0].kind != .unused }
    let scores = vocabulary.scores ?? []
    let worst = used.map { scores[$0] }.min() ?? 0
    let entries = (0..<count).map { id in
      // An unused id needs an entry. No text has a space in it when entries are looked for, and no
      // score may be worse than those of entries in use, which the unknown's depends on.
      let isUsed = vocabulary.tokens[id].kind != .unused
      return JSONValue.array([
        .string(isUsed ? vocabulary.tokens[id].text : " \(id)"),
        .number(Double(isUsed ? scores[id] : worst)),
      ])
    }
    let hasBytes = vocabulary.tokens.contains { $0.kind == .byte }
    return [
      "type": .string("Unigram"), "unk_id": unknown.map { .integer(Int($0)) } ?? .null,
      "vocab": .array(entries), "byte_fallback": .bool(hasBytes),
    ]
  }
}
