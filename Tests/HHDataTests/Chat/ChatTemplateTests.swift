// Text and ids of conversations beside transformers' apply_chat_template.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("ChatTemplate")
struct ChatTemplateTests {
  private static let golden = Result {
    try JSONValue(parsing: readBytes(at: Fixtures.path("golden/chat.json")))
  }
  private static let count = 19

  @Test("the golden file has every family")
  func families() throws {
    let cases = try #require(try Self.golden.get()["cases"]?.array)
    #expect(cases.count == Self.count)
    #expect(Set(cases.compactMap { $0["family"]?.string }) == Set(ChatFamily.names))
  }

  @Test("a conversation has the text and the ids that transformers gives", arguments: 0..<count)
  func conversations(_ index: Int) throws {
    let golden = try Self.golden.get()
    let entry = try #require(golden["cases"]?.array)[index]
    let tokenizer = try Self.tokenizer(of: entry)
    let text = ChatTemplateText(
      try #require(entry["template"]?.string), bos: tokenizer.spelling(of: tokenizer.special.bos),
      eos: tokenizer.spelling(of: tokenizer.special.eos))
    let date = try #require(golden["date"]?.string)
    let template = try #require(text.template(today: date))
    #expect(template.family.rawValue == entry["family"]?.string)
    #expect(tokenizer.added.id(of: template.end) != nil)
    for row in try #require(entry["rows"]?.array) {
      let turns = try #require(row["turns"]?.array).compactMap(\.string)
      let expected = try #require(row["text"]?.string)
      let ids = try #require(row["ids"]?.array).compactMap(\.integer).map(Int32.init)
      let opening = template.opening(turns[0], system: row["system"]?.string)
      let first = tokenizer.encode(opening)
      guard turns.count > 1 else {
        #expect(opening == expected && first == ids)
        continue
      }
      // What the model says lies between, with or without the spaces around it.
      var rest = Substring(expected)
      try #require(rest.hasPrefix(opening), "\(expected.debugDescription)")
      rest = rest.dropFirst(opening.count)
      for turn in stride(from: 1, to: turns.count, by: 2) {
        let continuation = template.continuation(turns[turn + 1])
        let next = try #require(
          rest.firstRange(of: continuation), "\(continuation.debugDescription)")
        let said = rest[..<next.lowerBound]
        #expect(said.trimmed == turns[turn][...].trimmed)
        rest = rest[next.upperBound...]
      }
      #expect(rest.isEmpty)
      let last = tokenizer.encodeContinuation(template.continuation(try #require(turns.last)))
      #expect(ids.starts(with: first) && ids.suffix(last.count) == last[...])
    }
  }

  @Test("a system's message without a place is left out, an empty one is a message")
  func system() {
    let mistral = ChatFamily.mistral.template(bos: "<s>", eos: "</s>")
    #expect(!mistral.takesSystem)
    #expect(mistral.opening("a", system: "b") == "<s>[INST] a [/INST]")
    let chatml = ChatFamily.chatml.template(bos: "", eos: "")
    #expect(chatml.takesSystem)
    #expect(chatml.opening("a", system: "").hasPrefix("<|im_start|>system\n<|im_end|>\n"))
    #expect(chatml.opening("a") == "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n")
  }

  /// The tokenizer of a case, whose files come from other fixtures or are written in it.
  static func tokenizer(of entry: JSONValue) throws -> any Tokenizer {
    let directory = try TemporaryDirectory()
    for (file, source) in try #require(entry["files"]?.object).pairs {
      try directory.write(readBytes(at: Fixtures.path(try #require(source.string))), to: file)
    }
    for (file, value) in try #require(entry["written"]?.object).pairs {
      try directory.write(value.text, to: file)
    }
    return try #require(try TokenizerLoader.load(beside: directory.path))
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    let rest = drop(while: \.isWhitespace)
    return rest[..<(rest.lastIndex { !$0.isWhitespace }.map(rest.index(after:)) ?? rest.startIndex)]
  }
}
