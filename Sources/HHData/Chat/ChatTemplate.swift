// How a conversation becomes the text that a chat model was trained on.

/// What goes around the messages of a conversation.
///
/// The messages of user and model alternate, after at most one message of the system. The model
/// writes what follows `opening` or `continuation`, and ends it with the token `end`.
package struct ChatTemplate: Sendable, Equatable {
  /// What goes before and after a message.
  struct Frame: Sendable, Equatable {
    var before: String
    var after: String

    func callAsFunction(_ text: String) -> String { before + text + after }
  }

  /// Where the system's message stands.
  enum SystemPlace: Sendable, Equatable {
    /// The template has no place for one.
    case none
    /// Before the user's first message, as one of its own.
    case ownMessage(Frame)
    /// At the beginning of the user's first message.
    case firstMessage(Frame)
  }

  /// The family that the template belongs to.
  package let family: ChatFamily
  /// The token that ends the model's messages, as the tokenizer spells it.
  package let end: String
  /// Goes before everything.
  var start = ""
  var systemPlace: SystemPlace
  /// The system's message where the user gives none; nil for no message.
  var defaultSystem: String?
  /// Goes around a message of the user, up to where the model begins to write.
  var userFrame: Frame
  /// Goes between what the model wrote and the token that ends it.
  var beforeEnd = ""
  /// Goes after the token that ends what the model wrote.
  var afterEnd = ""
  /// Whether messages lose the white space around them.
  var isTrimming = false

  /// Whether the system may say something.
  package var takesSystem: Bool { systemPlace != .none }

  /// The text before the model's first message; `system` stands in place of the default, if any.
  package func opening(_ message: String, system: String? = nil) -> String {
    guard let system = system ?? defaultSystem else { return start + userFrame(trimmed(message)) }
    switch systemPlace {
    case .none: return start + userFrame(trimmed(message))
    case .ownMessage(let frame): return start + frame(trimmed(system)) + userFrame(trimmed(message))
    case .firstMessage(let frame): return start + userFrame(trimmed(frame(system) + message))
    }
  }

  /// The text between one message of the model and its next, the end of the former included.
  package func continuation(_ message: String) -> String {
    beforeEnd + end + afterEnd + userFrame(trimmed(message))
  }

  private func trimmed(_ text: String) -> String {
    guard isTrimming else { return text }
    let rest = text.unicodeScalars.drop(while: \.isPythonSpace)
    let end = rest.lastIndex { !$0.isPythonSpace }.map(rest.index(after:)) ?? rest.startIndex
    return String(rest[..<end])
  }
}

extension Unicode.Scalar {
  /// Whether Python's `str.strip` takes the character away, as the templates' `trim` does.
  fileprivate var isPythonSpace: Bool { properties.isWhitespace || (0x1C...0x1F).contains(value) }
}
