// Where a model keeps its chat template, and which one it is.

internal import FoundationEssentials
package import HHFormat

extension ChatTemplate {
  /// The template of a model: the family's usual one where `family` is given, else the model's own.
  ///
  /// - Throws: `missingInput` for a model without a template, `unsupported` for one that is of no
  ///   family known here and for a tokenizer without the token that ends the family's messages, and
  ///   `FormatError` for files that are damaged.
  package init(
    of checkpoint: Checkpoint, _ tokenizer: any Tokenizer, family: ChatFamily? = nil
  ) throws(FormatError) {
    let bos = tokenizer.spelling(of: tokenizer.special.bos)
    let eos = tokenizer.spelling(of: tokenizer.special.eos)
    if let family {
      self = family.template(bos: bos, eos: eos)
    } else {
      self = try Self.own(
        of: ModelFiles(of: checkpoint), file: checkpoint.path, bos: bos, eos: eos)
    }
    guard tokenizer.added.id(of: end) != nil else {
      throw FormatError(
        .unsupported, file: checkpoint.path, place: "chat template '\(self.family.rawValue)'",
        problem: "expected a tokenizer with the token that ends its messages"
          + (end.isEmpty ? "" : ", \(quoted(end))") + "; found none")
    }
  }

  /// The name of the family of a model's own template, known here or not; nil where it has none.
  ///
  /// - Throws: `FormatError` for files that are damaged.
  package static func familyName(of files: ModelFiles) throws(FormatError) -> String? {
    guard let text = try files.chatTemplate() else { return nil }
    let parsed = ChatTemplateText(text, bos: "", eos: "")
    return parsed.template(today: "")?.family.rawValue ?? parsed.foreignFamily ?? "unknown"
  }

  private static func own(
    of files: ModelFiles, file: String, bos: String, eos: String
  ) throws(FormatError) -> ChatTemplate {
    let remedy: SettingText =
      "choose one of \(ChatFamily.names.joined(separator: ", ")) with \(.template, "NAME")"
    guard let text = try files.chatTemplate() else {
      throw FormatError(
        .missingInput, file: file,
        problem: "expected a chat template among the model's files,"
          + " found none", remedy: remedy)
    }
    let parsed = ChatTemplateText(text, bos: bos, eos: eos)
    if let template = parsed.template(today: today) { return template }
    throw FormatError(
      .unsupported, file: file, place: "chat template",
      problem: "expected \(Format.alternatives(ChatFamily.names)), found "
        + (parsed.foreignFamily ?? "another, \(quoted(text))"), remedy: remedy)
  }

  /// The date as templates tell it, such as `26 Jul 2024`.
  private static var today: String {
    let date = Calendar(identifier: .gregorian).dateComponents([.day, .month, .year], from: Date())
    let (day, month, year) = (date.day ?? 1, date.month ?? 1, date.year ?? 2000)
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    return "\(day < 10 ? "0" : "")\(day) \(months[(month - 1) % 12]) \(year)"
  }
}

extension Tokenizer {
  /// How a special token is spelt; nothing for none.
  func spelling(of id: Int32?) -> String { id.flatMap { added.entries[$0]?.content } ?? "" }
}

extension ModelFiles {
  /// The template by which conversations become texts, in the file that counts for transformers.
  func chatTemplate() throws(FormatError) -> String? {
    if let gguf { return try gguf.string("tokenizer.chat_template") }
    if holds("chat_template.jinja") { return try text("chat_template.jinja") }
    for name in ["chat_template.json", "tokenizer_config.json"] where holds(name) {
      guard let value = try object(name)["chat_template"], value != .null else { continue }
      if let text = value.string { return text }
      // A list of several by name.
      let usual = value.array?.first { $0["name"]?.string == "default" }
      guard let text = usual?["template"]?.string else {
        throw FormatError(
          .badData, file: path(name), place: "key 'chat_template'",
          problem: "expected a text, or a list of templates with one named 'default'; found "
            + quoted(value.text))
      }
      return text
    }
    return nil
  }
}
