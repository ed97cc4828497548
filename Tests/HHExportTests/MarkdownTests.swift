// Text from files is words in a card, and nothing else.

import Testing

@testable import HHExport

@Suite("Markdown")
struct MarkdownTests {
  @Test(
    "markup is escaped",
    arguments: [
      ("model.safetensors", "model.safetensors"), ("a_b", "a\\_b"),
      ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
      ("[a](http://b)", "\\[a\\]\\(http&#58;//b\\)"), ("a|b\n# c", "a\\|b\\\\u\\{A\\}\\# c"),
      ("\u{1B}[2J&amp;", "\\\\u\\{1B\\}\\[2J&amp;amp;"),
    ])
  func words(text: String, expected: String) { #expect(markdown(text) == expected) }

  @Test(
    "code is code, or words where it could be more",
    arguments: [
      ("{\"a\":[1]}", "`{\"a\":[1]}`"), ("a\n", "`a\\u{A}`"), ("a`b", "a\\`b"), ("", ""),
      ("<script>", "&lt;script&gt;"),
    ])
  func fences(text: String, expected: String) { #expect(code(text) == expected) }
}
