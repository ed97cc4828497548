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
  }

  /// The kind of failure.
  package let kind: Kind
  /// The file concerned, as the user named it.
  package let file: String
  /// What inside the file is concerned: `tensor 'x'`, `key 'y'`; empty for the file as a whole.
  package let place: String
  /// What is wrong, with what was expected and what was found.
  package let problem: String
  /// A remedy, where there is one.
  package let hint: String?

  /// Creates an error.
  package init(
    _ kind: Kind, file: String, place: String = "", problem: String, hint: String? = nil
  ) {
    self.kind = kind
    self.file = file
    self.place = place
    self.problem = problem
    self.hint = hint
  }

  package var description: String {
    let head = inline(place.isEmpty ? "\(file): \(problem)" : "\(file): \(place): \(problem)")
    return hint.map { "\(head)\nhint: \(inline($0))" } ?? head
  }
}
