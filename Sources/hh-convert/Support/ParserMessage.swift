// What the parser of arguments says of a wrong value, in the words of all other errors.

/// The message of ArgumentParser for a value that an option's own reading refuses: it quotes the
/// value and the option before our sentence, which names the value itself. "The value 'many' is
/// invalid for '--steps <steps>': expected a whole number, found 'many'" becomes "--steps: expected a
/// whole number, found 'many'"; any other message stays.
func withoutRepetition(_ message: String) -> String {
  let form = /(?s)The value '.*' is invalid for '(--[a-z-]+)[^']*': (expected .*)/
  guard let match = message.wholeMatch(of: form) else { return message }
  return "\(match.1): \(match.2)"
}
