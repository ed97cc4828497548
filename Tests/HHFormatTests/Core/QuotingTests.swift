// Names from files cannot move the cursor, turn text around or flood a message.

import HHFormat
import Testing

@Suite("Quoting")
struct QuotingTests {
  @Test(
    "what stays and what is escaped",
    arguments: [
      ("model.layers.0", "'model.layers.0'"), ("", "''"), ("é 日本 😀", "'é 日本 😀'"),
      ("a\u{1B}[2Jb\n", "'a\\u{1B}[2Jb\\u{A}'"), ("\u{202E}abc\u{200B}", "'\\u{202E}abc\\u{200B}'"),
      ("\u{2028}\u{85}\0", "'\\u{2028}\\u{85}\\u{0}'"),
    ])
  func escapes(text: String, expected: String) {
    #expect(quoted(text) == expected)
  }

  @Test("a long text is cut in its middle")
  func long() {
    let whole = String(repeating: "a", count: 200)
    #expect(quoted(whole) == "'\(whole)'")
    let half = String(repeating: "a", count: 100)
    #expect(quoted(whole + "b") == "'\(half)…\(half.dropLast())b'")
  }

  @Test(
    "one line stays one, a text keeps its lines, and joiners stay in both",
    arguments: [
      ("a b é 日本", "a b é 日本", "a b é 日本"), ("👩\u{200D}👩", "👩\u{200D}👩", "👩\u{200D}👩"),
      ("a\n\tb", "a\\u{A}\\u{9}b", "a\n\tb"),
      ("\u{1B}[0m\r", "\\u{1B}[0m\\u{D}", "\\u{1B}[0m\\u{D}"),
      ("\u{9B}é", "\\u{9B}é", "\\u{9B}é"),
      ("\u{202E}\u{2029}", "\\u{202E}\\u{2029}", "\\u{202E}\\u{2029}"),
      ("\r\n", "\\u{D}\\u{A}", "\\u{D}\n"), ("\u{7F}", "\\u{7F}", "\\u{7F}"),
    ])
  func output(text: String, line: String, whole: String) {
    #expect(inline(text) == line)
    #expect(visible(text) == whole)
    #expect(joined(lines: [text, "b"]) == line + "\nb")
  }
}
