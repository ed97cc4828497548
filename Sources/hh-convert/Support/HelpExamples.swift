// The examples with which a command's help begins.

/// A command's examples, and below them what else its help says.
///
/// - Parameters:
///   - lines: Command lines without the program's name.
///   - discussion: More about the command; empty for nothing.
/// - Returns: The text that follows the command's abstract.
func helpExamples(_ lines: String..., discussion: String = "") -> String {
  let commands = lines.map { "  hh-convert \($0)" }.joined(separator: "\n")
  return "Examples:\n\(commands)" + (discussion.isEmpty ? "" : "\n\n\(discussion)")
}
