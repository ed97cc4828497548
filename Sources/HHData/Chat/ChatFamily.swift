// The families of chat templates, each in the form in which its first models had it.

/// A family of templates, by the name that `--template` takes.
package enum ChatFamily: String, Sendable, CaseIterable {
  case chatml
  case llama2 = "llama-2"
  case llama3 = "llama-3"
  case zephyr
  case mistral

  /// All names, for messages and help.
  package static var names: [String] { allCases.map(\.rawValue) }

  /// The family's usual template. `bos` and `eos` are the spellings of the tokens that begin and end
  /// a text.
  func template(bos: String, eos: String) -> ChatTemplate {
    switch self {
    case .chatml:
      ChatTemplate(
        family: self, end: "<|im_end|>",
        systemPlace: .ownMessage(.init(before: "<|im_start|>system\n", after: "<|im_end|>\n")),
        userFrame: .init(
          before: "<|im_start|>user\n", after: "<|im_end|>\n<|im_start|>assistant\n"),
        afterEnd: "\n")
    case .llama2:
      ChatTemplate(
        family: self, end: eos,
        systemPlace: .firstMessage(.init(before: "<<SYS>>\n", after: "\n<</SYS>>\n\n")),
        userFrame: .init(before: bos + "[INST] ", after: " [/INST]"), beforeEnd: " ",
        isTrimming: true)
    case .llama3:
      ChatTemplate(
        family: self, end: "<|eot_id|>", start: bos,
        systemPlace: .ownMessage(.init(before: Self.header("system"), after: "<|eot_id|>")),
        userFrame: .init(
          before: Self.header("user"), after: "<|eot_id|>" + Self.header("assistant")),
        isTrimming: true)
    case .zephyr:
      ChatTemplate(
        family: self, end: eos,
        systemPlace: .ownMessage(.init(before: "<|system|>\n", after: eos + "\n")),
        userFrame: .init(before: "<|user|>\n", after: eos + "\n<|assistant|>\n"), afterEnd: "\n")
    case .mistral:
      ChatTemplate(
        family: self, end: eos, start: bos, systemPlace: .none,
        userFrame: .init(before: "[INST] ", after: " [/INST]"))
    }
  }

  /// What Llama 3 puts before the messages of a role.
  static func header(_ role: String) -> String {
    "<|start_header_id|>\(role)<|end_header_id|>\n\n"
  }
}
