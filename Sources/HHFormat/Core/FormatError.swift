// Everything that can be wrong with a file, as one value that carries the facts.

/// A file that cannot be read, is not what it claims to be, or cannot be written.
///
/// `description` is one sentence, *where: what is wrong: expected X, found Y*, followed by a hint on
/// a line of its own where there is a remedy. Whatever the facts hold, neither breaks its line.
package struct FormatError: Error, Equatable, CustomStringConvertible {
  /// The kind of failure; it decides the exit status.
  package enum Kind: Sendable, Equatable {
    /// The input does not exist or cannot be opened.
    case missingInput
    /// The content breaks its format or contradicts itself.
    case badData
    /// The content is valid but not something this program handles.
    case unsupported
    /// The output exists or cannot be created.
    case cannotCreate
    /// The system failed a read or a write: a full disk, a broken device.
    case io
    /// The machine has not enough of something for now, such as memory, or another process has it.
    case exhausted
  }

  /// The kind of failure.
  package let kind: Kind
  /// The file concerned, as the user named it.
  package let file: String
  /// What inside the file is concerned: `tensor 'x'`, `key 'y'`; empty for the file as a whole.
  package let place: String
  private let problemText: SettingText
  /// A remedy, where there is one.
  package let remedy: SettingText?

  /// Creates an error that speaks of settings in what is wrong.
  package init(
    _ kind: Kind, file: String, place: String = "", problemText: SettingText,
    remedy: SettingText? = nil
  ) {
    self.kind = kind
    self.file = file
    self.place = place
    self.problemText = problemText
    self.remedy = remedy
  }

  /// Creates an error with a remedy that speaks of settings.
  package init(
    _ kind: Kind, file: String, place: String = "", problem: String, remedy: SettingText?
  ) {
    self.init(
      kind, file: file, place: place, problemText: SettingText(problem), remedy: remedy)
  }

  /// Creates an error that speaks of no settings.
  package init(
    _ kind: Kind, file: String, place: String = "", problem: String, hint: String? = nil
  ) {
    self.init(
      kind, file: file, place: place, problem: problem, remedy: hint.map { SettingText($0) })
  }

  /// What is wrong, with what was expected and what was found; settings by their own names.
  package var problem: String { problemText.description }

  /// The remedy, settings by their own names.
  package var hint: String? { remedy?.description }

  /// The error in words.
  package var text: SettingText {
    let head: SettingText =
      place.isEmpty ? "\(file): \(problemText)" : "\(file): \(place): \(problemText)"
    return remedy.map { "\(head.inline)\nhint: \($0.inline)" } ?? head.inline
  }

  /// The error in words, settings by their own names.
  package var description: String { text.description }
}
