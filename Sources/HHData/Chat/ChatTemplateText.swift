// A model's own chat template, a program in Jinja, which is recognised and never run.

/// A template's text. Its family shows in its marks, and how a member of the family differs from the
/// usual form in the text around them.
struct ChatTemplateText {
  /// The text, in which a line break in a literal is the character.
  private let text: String
  private let bos: String
  private let eos: String

  /// Bytes beyond which a template is none of those known here.
  private static let maximumSize = 1 << 17

  /// Takes a template's text, and the spellings of the tokens that begin and end a text.
  init(_ text: String, bos: String, eos: String) {
    self.text = text.replacing("\\n", with: "\n").replacing("\r\n", with: "\n")
    (self.bos, self.eos) = (bos, eos)
  }

  /// Marks of families that are not known here, with their names.
  private static let foreign = [
    ("<start_of_turn>", "gemma"), ("<|im_sep|>", "phi-4"), ("<|end|>", "phi-3"),
    ("<|START_OF_TURN_TOKEN|>", "command-r"), ("<\u{FF5C}User\u{FF5C}>", "deepseek"),
    ("<|start_of_role|>", "granite"), ("[SYSTEM_PROMPT]", "mistral v7"), ("[gMASK]", "chatglm"),
    ("GPT4 Correct", "openchat"), ("### Instruction:", "alpaca"), ("USER:", "vicuna"),
  ]

  /// The family's name where the template is of one that is not known here.
  var foreignFamily: String? { Self.foreign.first { text.contains($0.0) }?.1 }

  /// The template; nil where it is of no family that is known here. `today` is the date for those
  /// that tell it.
  func template(today: @autoclosure () -> String) -> ChatTemplate? {
    guard text.utf8.count <= Self.maximumSize, foreignFamily == nil, let family, isUsual(family)
    else { return nil }
    var template = family.template(bos: bos, eos: eos)
    switch family {
    case .chatml: adaptChatML(&template)
    case .llama2: adaptLlama2(&template)
    case .llama3: adaptLlama3(&template, today: today)
    case .zephyr: adaptZephyr(&template)
    case .mistral: adaptMistral(&template)
    }
    return template
  }

  private var family: ChatFamily? {
    if text.contains("<|im_start|>"), text.contains("<|im_end|>") { return .chatml }
    if text.contains("<|start_header_id|>"), text.contains("<|eot_id|>") { return .llama3 }
    if text.contains("[INST]"), text.contains("[/INST]") {
      return text.contains("<<SYS>>") ? .llama2 : .mistral
    }
    let user =
      /\|>\n['"]\s*\+\s*message(\['content'\]|\["content"\]|\.content)(\s*\|\s*trim)?\s*\+\s*eos_token/
    return text.contains("<|assistant|>") && text.contains(user) ? .zephyr : nil
  }

  /// Whether the text does what the family's templates do, as far as marks can tell.
  private func isUsual(_ family: ChatFamily) -> Bool {
    // The indentation of an expression would be text of the conversation.
    guard !text.contains(/\n[ \t]+\{\{[^-]/) else { return false }
    switch family {
    case .chatml, .zephyr: return !text.contains("strftime_now")
    // The only family that tells the date in a way that is known here.
    case .llama3: return !text.contains("<|eot_id|>\n")
    case .llama2:
      return text.contains(
        /<<SYS>>\n['"]\s*\+\s*system_message\s*\+\s*['"]\n<<\/SYS>>\n\n['"]\s*\+/)
    case .mistral:
      return !text.contains("strftime_now")
        && (!text.contains("system_message")
          || text.contains(/\[INST\]\s*['"]\s*\+\s*system_message/))
    }
  }

  // MARK: What differs within a family

  /// Whether the content of messages is trimmed.
  private var trimsContent: Bool {
    text.contains(/content['"]?\]?\s*(\|\s*trim|\.strip\(\))/)
  }

  private func adaptChatML(_ template: inout ChatTemplate) {
    if text.contains("bos_token") { template.start = bos }
    template.isTrimming = trimsContent
    // SmolLM2 and Qwen have a message of the system for conversations without one.
    let system = /(['"])<\|im_start\|>system\n((?:\\.|(?!\1)[^\\])*?)<\|im_end\|>/
    template.defaultSystem = text.firstMatch(of: system).map { Self.unescaped($0.2) }
    // Models that think begin their answers with a mark of it.
    let answer = /add_generation_prompt(?s:.*?)['"](<\|im_start\|>assistant[^'"]*)['"]/
    if let begin = text.firstMatch(of: answer)?.1 {
      template.userFrame.after = "<|im_end|>\n" + begin
    }
  }

  private func adaptLlama2(_ template: inout ChatTemplate) {
    adaptInstructions(&template)
    let system = /set system_message\s*=\s*(['"])((?:\\.|(?!\1)[^\\])+)\1/
    // Where a default is switched off, the template says so by a condition that never holds.
    if !text.contains(/elif false(?s:.{0,12}?)true/) {
      template.defaultSystem = text.firstMatch(of: system).map { Self.unescaped($0.2) }
    }
  }

  private func adaptMistral(_ template: inout ChatTemplate) {
    adaptInstructions(&template)
    if text.contains("system_message") {
      template.systemPlace = .firstMessage(.init(before: "", after: "\n\n"))
    }
  }

  /// What differs around `[INST]`: spaces, the beginning of a text, and the end of an answer.
  private func adaptInstructions(_ template: inout ChatTemplate) {
    let isRepeated = text.contains(/bos_token\s*\+\s*['"]\s*\[INST\]/)
    template.start = text.contains("bos_token") && !isRepeated ? bos : ""
    if let begin = text.firstMatch(of: /['"](\s*\[INST\]\s*)['"]/)?.1 {
      template.userFrame.before = (isRepeated ? bos : "") + begin
    }
    if let end = text.firstMatch(of: /['"](\s*\[\/INST\]\s*)['"]/)?.1 {
      template.userFrame.after = String(end)
    }
    template.isTrimming = text.contains(/\[INST\]\s*['"][^{}]*?(\|\s*trim|\.strip\(\))/)
    template.beforeEnd = text.contains(/['"] ['"]\s*\+\s*eos_token/) ? " " : ""
    template.afterEnd = text.contains(/eos_token\s*\+\s*['"] ['"]/) ? " " : ""
  }

  private func adaptLlama3(_ template: inout ChatTemplate, today: () -> String) {
    template.start = text.contains("bos_token") ? bos : ""
    template.isTrimming = trimsContent
    guard text.contains("Cutting Knowledge Date: December 2023") else { return }
    // Llama 3.1 tells a date that stands in the template, 3.2 that of today.
    let fixed = text.firstMatch(of: /date_string\s*=\s*['"](\d\d \w\w\w \d\d\d\d)['"]/)?.1
    let date = text.contains("strftime_now") ? today() : fixed.map(String.init) ?? today()
    template.systemPlace = .ownMessage(
      .init(
        before: ChatFamily.header("system")
          + "Cutting Knowledge Date: December 2023\nToday Date: \(date)\n\n", after: "<|eot_id|>"))
    template.defaultSystem = ""
  }

  private func adaptZephyr(_ template: inout ChatTemplate) {
    if text.contains("bos_token") { template.start = bos }
    template.isTrimming = trimsContent
    // A line break after an expression is one of the text, too.
    let separator = text.contains(/eos_token\s*(\+\s*['"]\n['"]|\}\}\n)/) ? "\n" : ""
    let begin = text.contains(/<\|assistant\|>(\n['"]\s*-?\}\}|['"]\s*\}\}\n)/) ? "\n" : ""
    template.systemPlace = .ownMessage(.init(before: "<|system|>\n", after: eos + separator))
    template.userFrame.after = eos + separator + "<|assistant|>" + begin
    template.afterEnd = separator
  }

  /// The text of a literal.
  private static func unescaped(_ literal: some StringProtocol) -> String {
    String(literal).replacing(/\\(['"\\])/) { $0.1 }
  }
}
