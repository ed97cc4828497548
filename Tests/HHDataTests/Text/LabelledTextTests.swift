// Files of labelled texts, and what is wrong with them, by line.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("LabelledText")
struct LabelledTextTests {
  private func file(_ text: String, _ read: (String) throws -> LabelledText) throws -> LabelledText
  {
    let directory = try TemporaryDirectory()
    return try read(try directory.write(text, to: "data.tsv"))
  }

  @Test("classes of texts and of pairs, whatever the order of the columns")
  func classification() throws {
    let single = try file("sentence\tlabel\ngood \t1\r\n\nbad\t0\n") {
      try LabelledText(classificationAt: $0, classCount: 2)
    }
    #expect(single.examples.map(\.first) == ["good ", "bad"])
    #expect(single.examples.map(\.label) == [1, 0])
    let pairs = try file("id\tlabel\tsentence1\tsentence2\n7\t2\ta\tb\n") {
      try LabelledText(classificationAt: $0, classCount: 3)
    }
    #expect(pairs.examples == [.init(first: "a", second: "b", label: 2)])
  }

  @Test("pairs with scores")
  func similarity() throws {
    let pairs = try file("g\tf\ty\t1\t4.75\tA man.\tA \"boy\".\tmore\n") {
      try LabelledText(similarityAt: $0)
    }
    #expect(pairs.examples == [.init(first: "A man.", second: "A \"boy\".", label: 4.75)])
  }

  @Test(
    "a bad row is named by its line",
    arguments: [
      ("sentence\tlabel\na\t1\nb\t2\n", "line 3: expected a label from 0 to 1"),
      ("sentence\tlabel\na\t1\nb\n", "line 3: expected 2 columns, found 1"),
      ("sentence\tlabel\na\tx\n", "line 2: expected a label"),
      ("a\t1\n", "line 1: expected columns 'sentence'"),
      ("sentence\tlabel\n", "expected examples, found none"),
      ("", "line 1: expected columns"),
    ])
  func badRows(_ text: String, _ problem: String) throws {
    let error = try #require(throws: FormatError.self) {
      try file(text) { try LabelledText(classificationAt: $0, classCount: 2) }
    }
    #expect(error.description.contains(problem), "\(error)")
  }

  @Test("a head of one output has no classes")
  func regression() throws {
    let error = try #require(throws: FormatError.self) {
      try file("sentence\tlabel\na\t0\n") {
        try LabelledText(classificationAt: $0, classCount: 1)
      }
    }
    #expect(error.kind == .unsupported)
    #expect(error.description.contains("expected a model of two classes or more"), "\(error)")
  }

  @Test(
    "a bad pair too",
    arguments: [
      ("a\tb\tc\td\tx\tf\tg\n", "line 1: expected a score"), ("a\n", "line 1: expected 7"),
    ])
  func badPairs(_ text: String, _ problem: String) throws {
    let error = try #require(throws: FormatError.self) {
      try file(text) { try LabelledText(similarityAt: $0) }
    }
    #expect(error.description.contains(problem), "\(error)")
  }
}
