// Text from files stays text.

import HHTestSupport
import Testing

@testable import HHAnalysis

@Suite("Markup")
struct MarkupTests {
  @Test(
    "no text ends its element, its attribute or the document",
    arguments: [
      "</title><script>alert(1)</script>", "\" onload=\"alert(1)", "' onload='x", "a & b &amp; c",
      "]]>", "<!--", "\u{0}\u{8}\u{1B}[2J", "\u{202E}abc", "\u{FFFE}\u{FFFF}", "two\nlines\t",
      "猫 é",
    ])
  func escaped(_ text: String) throws {
    let markup = Markup("p", ["title": text], [Markup("b", text), .text(text)])
    let tree = try MarkupTree.reading(markup.source)
    #expect(tree.all.map(\.name) == ["p", "b"])
    #expect(tree.attributes.keys.sorted() == ["title"])
    #expect(tree.attributes["title"] == tree.children[0].text)
    let isShownAsItIs = text.unicodeScalars.allSatisfy {
      $0.value >= 0x20 && $0.value != 0x202E && $0.value < 0xFFFE
    }
    if isShownAsItIs { #expect(tree.children[0].text == text) }
    #expect(!markup.source.contains("<script") && !markup.source.contains("\u{1B}"))
  }

  @Test("an empty element and a style sheet")
  func others() throws {
    #expect(
      Markup(empty: "rect", ["x": "1", "y": "a\"b"]).source == "<rect x=\"1\" y=\"a&quot;b\"/>")
    #expect(Markup("td", "").source == "<td></td>")
    #expect(Markup.style("p{x:1}", "q{y:2}").source == "<style>p{x:1}q{y:2}</style>")
    #expect(Markup.all([.text("a"), .text("<")]).source == "a&lt;")
  }
}
