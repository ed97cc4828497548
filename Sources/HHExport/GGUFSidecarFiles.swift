// What the metadata of a GGUF model says that transformers reads from small files.

internal import HHData
internal import HHFormat

/// The files beside a model that came from GGUF: how it ends texts and talks, and whose it is.
struct GGUFSidecarFiles {
  let metadata: any GGUFMetadataSource

  /// The most names of base models and languages that are taken over.
  private static let maximumNames = 64

  /// `generation_config.json`: where texts begin and end; nil for a tokenizer without ends.
  func generationConfiguration(_ special: SpecialTokens) -> SidecarFile? {
    let ends = special.ends.map { JSONValue.integer(Int($0)) }
    guard let first = ends.first else { return nil }
    var object: JSONObject = ["eos_token_id": ends.count == 1 ? first : .array(ends)]
    for (key, id) in [("bos_token_id", special.bos), ("pad_token_id", special.padding)] {
      object[key] = id.map { .integer(Int($0)) }
    }
    return SidecarFile(
      name: "generation_config.json", content: Array(JSONValue.object(object).readableText.utf8))
  }

  /// How a conversation becomes a text: one template, or several by name, as `chat_template` of
  /// tokenizer_config.json has them; nil without any.
  func chatTemplate() throws(FormatError) -> JSONValue? {
    let key = "tokenizer.chat_template"
    var templates: [(name: String, text: String)] = []
    if let text = try metadata.string(key) { templates.append(("default", text)) }
    for name in (try metadata.strings("tokenizer.chat_templates") ?? []).prefix(Self.maximumNames)
    where !templates.contains(where: { $0.name == name }) {
      if let text = try metadata.string("\(key).\(name)") { templates.append((name, text)) }
    }
    if templates.count == 1, templates[0].name == "default" { return .string(templates[0].text) }
    guard !templates.isEmpty else { return nil }
    return .array(
      templates.map { .object(["name": .string($0.name), "template": .string($0.text)]) })
  }

  /// `README.md` with the model's name, licence, languages and base models; nil where the file says
  /// nothing of them.
  func card() throws(FormatError) -> SidecarFile? {
    var lines: [String] = []
    for (key, member) in [
      ("license", "license"), ("license.name", "license_name"), ("license.link", "license_link"),
    ] {
      if let text = try metadata.string("general.\(key)") {
        lines.append("\(member): \(Self.yaml(text))")
      }
    }
    lines += Self.list("language", try metadata.strings("general.languages") ?? [])
    lines += Self.list("base_model", try baseModels())
    lines += Self.list("tags", try metadata.strings("general.tags") ?? [])
    guard !lines.isEmpty else { return nil }
    let name = try metadata.string("general.name").map { "# \(Self.plain($0))\n" } ?? ""
    let text = (["---"] + lines + ["---", "", name]).joined(separator: "\n")
    return SidecarFile(name: "README.md", content: Array(text.utf8))
  }

  /// The models that this one was made from, by their names on the hub where the file links there.
  private func baseModels() throws(FormatError) -> [String] {
    let count = try metadata.value("general.base_model.count")?.integer ?? 0
    var names: [String] = []
    for index in 0..<max(0, min(count, Self.maximumNames)) {
      let stem = "general.base_model.\(index)"
      let link = try metadata.string("\(stem).repo_url") ?? ""
      let hub = "https://huggingface.co/"
      if link.hasPrefix(hub) {
        names.append(String(link.dropFirst(hub.count)))
      } else if let name = try metadata.string("\(stem).name") {
        let owner = try metadata.string("\(stem).organization")
        names.append((owner.map { "\($0)/" } ?? "") + name)
      }
    }
    return names
  }

  private static func list(_ member: String, _ texts: [String]) -> [String] {
    switch texts.count {
    case 0: []
    case 1: ["\(member): \(yaml(texts[0]))"]
    default: ["\(member):"] + texts.prefix(maximumNames).map { "- \(yaml($0))" }
    }
  }

  /// A text as YAML: as it is where it is a plain word, else in JSON's quotes, which YAML shares.
  private static func yaml(_ text: String) -> String {
    let isWord = text.utf8.first.map(isLetter) == true && text.utf8.allSatisfy(isPlain)
    return isWord
      && !["true", "false", "null", "yes", "no", "on", "off"].contains(text.lowercased())
      ? text : JSONValue.string(plain(text)).text
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

  private static func isPlain(_ byte: UInt8) -> Bool {
    isLetter(byte) || (0x30...0x39).contains(byte) || "-_./".utf8.contains(byte)
  }

  /// A text on one line, without what Markdown takes for its own.
  private static func plain(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.filter { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
            false
          default: !"<>[]`|\\".unicodeScalars.contains(scalar)
          }
        }))
  }
}
