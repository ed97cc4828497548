// Text from files inside Markdown: no link, no tag, no table of its own.

internal import HHFormat

/// `text` on one line as the words that it is: what Markdown or HTML would read as markup is escaped.
func markdown(_ text: String) -> String {
  var result = ""
  for character in inline(text) {
    switch character {
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "&": result += "&amp;"
    case "\\", "`", "*", "_", "{", "}", "[", "]", "(", ")", "#", "+", "!", "|", "~":
      result += "\\\(character)"
    default: result.append(character)
    }
  }
  // Some readers make links of these where they stand.
  return result.replacing("://", with: "&#58;//").replacing("www.", with: "www&#46;")
    .replacing("@", with: "&#64;")
}

/// `text` on one line as code; as words where it could end the code or be a tag to a reader that knows
/// none.
func code(_ text: String) -> String {
  let isPlain = !text.isEmpty && !text.contains { "`<>&".contains($0) }
  return isPlain ? "`\(inline(text))`" : markdown(text)
}
