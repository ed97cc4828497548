// Every name of `tokenizer.ggml.pre` against the pieces that Hugging Face's tokenizers cut.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("GGUFPreTokenizer")
struct GGUFPreTokenizerTests {
  private struct Golden {
    let texts: [String]
    let rules: [(name: String, patterns: [String], cuts: [[Int]])]

    init() throws {
      let json = try JSONValue(parsing: readBytes(at: Fixtures.path("golden/pretokenization.json")))
      texts = try #require(json["texts"]?.array).compactMap(\.string)
      rules = try #require(json["rules"]?.object).pairs.map { name, rule in
        let cuts = (rule["lengths"]?.array ?? []).map { ($0.array ?? []).compactMap(\.integer) }
        return (name, (rule["patterns"]?.array ?? []).compactMap(\.string), cuts)
      }
    }
  }

  @Test("each rule cuts every string as the reference does")
  func golden() throws {
    let golden = try Golden()
    #expect(golden.texts.count > 200)
    #expect(Set(golden.rules.map(\.name)) == Set(GGUFPreTokenizer.all.compactMap(\.names.first)))
    for (name, patterns, cuts) in golden.rules {
      #expect(GGUFPreTokenizer.named(name)?.patterns == patterns)
      let preTokenization = try #require(PreTokenization(patterns))
      #expect(cuts.count == golden.texts.count)
      for (text, expected) in zip(golden.texts, cuts) {
        let bytes = Array(text.utf8)
        var lengths: [Int] = []
        preTokenization.forEachPiece(of: bytes, in: bytes.indices) { lengths.append($0.count) }
        #expect(lengths == expected, "\(name): \(text.debugDescription)")
      }
    }
  }

  @Test("names are unique, the first of a kind is written, and unknown ones are none")
  func names() throws {
    let names = GGUFPreTokenizer.all.flatMap(\.names)
    #expect(Set(names).count == names.count)
    #expect(GGUFPreTokenizer.named("no-such-model") == nil)
    #expect(GGUFPreTokenizer.named(nil)?.names.first == "default")
    for rule in GGUFPreTokenizer.all {
      let preTokenization = try #require(PreTokenization(rule.patterns), "\(rule.names)")
      let found = GGUFPreTokenizer.matching(preTokenization, ignoresMerges: rule.ignoresMerges)
      #expect(found?.names == rule.names)
    }
    let llama3 = try #require(GGUFPreTokenizer.named("llama3"))
    #expect(llama3.ignoresMerges && llama3.addsBOS)
    #expect(GGUFPreTokenizer.named("smollm")?.addsBOS == false)
  }
}
