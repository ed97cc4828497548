// Files of labelled texts, and what is wrong with them, by line.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

@Suite("LabelledText")
struct LabelledTextTests {
  private func file(
    _ text: String, named name: String = "data.tsv", _ read: (String) throws -> LabelledText
  ) throws -> LabelledText {
    let directory = try TemporaryDirectory()
    return try read(try directory.write(text, to: name))
  }

  private static func names(_ count: Int) -> [String] { (0..<count).map { "LABEL_\($0)" } }

  @Test("classes of texts and of pairs, whatever the order of the columns")
  func classification() throws {
    let single = try file("sentence\tlabel\ngood \t1\r\n\nbad\t0\n") {
      try LabelledText(classificationAt: $0, classes: Self.names(2))
    }
    #expect(single.examples.map(\.first) == ["good ", "bad"])
    #expect(single.examples.map(\.label) == [1, 0])
    let pairs = try file("id\tlabel\tsentence1\tsentence2\n7\t2\ta\tb\n") {
      try LabelledText(classificationAt: $0, classes: Self.names(3))
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
      ("sentence\tlabel\na\t1\nb\t0\tc\n", "line 3: expected 2 columns, found 3"),
      ("sentence\ttext\tlabel\na\tb\t1\n", "found 'sentence', 'text', 'label'"),
      ("sentence1\tlabel\na\t1\n", "found 'sentence1', 'label'"),
      ("question\tanswer\tlabel\na\tb\t1\n", "hint: rename the columns"),
      ("sentence\tclass\na\t1\n", "expected a column 'label', found 'sentence', 'class'"),
      ("sentence\tlabel\tscore\na\t1\t2\n", "expected one column of labels"),
      ("sentence\tlabel\na\tcontradiction\n", "or one of entailment, not_entailment"),
      ("sentence\tlabel\na\tx\n", "line 2: expected a label"),
      ("a\t1\n", "line 1: expected columns 'sentence'"),
      ("sentence\tsentence\n", "line 1: expected each column once, found 'sentence' twice"),
      ("sentence\tlabel\n", "expected examples, found none"),
      ("", "line 1: expected columns"),
    ])
  func badRows(_ text: String, _ problem: String) throws {
    let error = try #require(throws: FormatError.self) {
      try file(text) { try LabelledText(classificationAt: $0, classes: Self.names(2)) }
    }
    #expect(error.description.contains(problem), "\(error)")
  }

  @Test("a head of one output has no classes")
  func regression() throws {
    let error = try #require(throws: FormatError.self) {
      try file("sentence\tlabel\na\t0\n") {
        try LabelledText(classificationAt: $0, classes: Self.names(1))
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

  /// One row of a GLUE task's own file, and what it says.
  struct Task: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    var file = "data.tsv"
    var classes = 2
    let example: LabelledText.Example
    var testDescription: String { name }
  }

  private static func task(
    _ name: String, _ text: String, file: String = "data.tsv", classes: Int = 2,
    _ first: String, _ second: String?, _ label: Double
  ) -> Task {
    Task(
      name: name, text: text, file: file, classes: classes,
      example: .init(first: first, second: second, label: label))
  }

  @Test(
    "GLUE's tasks, as its own files and as data sets name their columns",
    arguments: [
      task("CoLA", "gj04\t1\t\tOur friends won't buy.\n", "Our friends won't buy.", nil, 1),
      task("CoLA with a mark", "gj04\t0\t*\tThey drank the.\n", "They drank the.", nil, 0),
      task("SST-2", "sentence\tlabel\nfine \t1\n", "fine ", nil, 1),
      task(
        "MRPC", "\u{FEFF}Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tHe \"said\tso\n",
        "He \"said", "so", 1),
      task(
        "QQP", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\twhy?\thow?\t1\n",
        "why?", "how?", 1),
      task(
        "MNLI",
        "index\tsentence1_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
          + "0\t(S)\ta\tb\tneutral\tcontradiction\n", classes: 3, "a", "b", 2),
      task(
        "QNLI", "index\tquestion\tsentence\tlabel\n0\twho?\tHim.\tnot_entailment\n", "who?",
        "Him.", 1),
      task("RTE", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n", "a", "b", 0),
      task("WNLI", "index\tsentence1\tsentence2\tlabel\n0\ta\tb\t1\n", "a", "b", 1),
      task(
        "a comma-separated file", "premise,hypothesis,label\r\n\"a, \"\"b\"\"\nc\",d,2\r\n",
        file: "data.csv", classes: 3, "a, \"b\"\nc", "d", 2),
      task(
        "JSON lines", "{\"sentence\": \"a\\tb\", \"label\": 1, \"idx\": 0}\n", file: "data.jsonl",
        "a\tb", nil, 1),
      task("JSON", "[{\"text\": \"a\", \"label\": \"0\"}]", file: "data.json", "a", nil, 0),
    ])
  func glue(_ task: Task) throws {
    let read = try file(task.text, named: task.file) {
      try LabelledText(classificationAt: $0, classes: Self.names(task.classes))
    }
    #expect(read.examples == [task.example])
  }

  @Test("STS-B with its header, and as a data set has it")
  func similarityWithHeader() throws {
    let own = "index\tgenre\tsource1\tsentence1\tsentence2\tscore\n0\tnews\tx\ta\tb\t2.5\n"
    let set = "{\"sentence1\": \"a\", \"sentence2\": \"b\", \"label\": 2.5}\n"
    for (text, name) in [(own, "sts.tsv"), (set, "sts.jsonl")] {
      let pairs = try file(text, named: name) { try LabelledText(similarityAt: $0) }
      #expect(pairs.examples == [.init(first: "a", second: "b", label: 2.5)])
    }
  }

  @Test("labels are the model's own names where it has some")
  func names() throws {
    let text = "premise\thypothesis\tlabel\na\tb\tentailment\nc\td\tnot entailment\n"
    let read = try file(text) {
      try LabelledText(classificationAt: $0, classes: ["NOT_ENTAILMENT", "Entailment"])
    }
    #expect(read.examples.map(\.label) == [1, 0])
  }

  @Test("named columns hold the texts, in that order")
  func namedColumns() throws {
    let text = "answer\tquestion\tlabel\na\tb\t1\n"
    let read = try file(text) {
      try LabelledText(
        classificationAt: $0, classes: Self.names(2), columns: ["question", "answer"])
    }
    #expect(read.examples == [.init(first: "b", second: "a", label: 1)])
    let error = try #require(throws: FormatError.self) {
      try file(text) {
        try LabelledText(classificationAt: $0, classes: Self.names(2), columns: ["passage"])
      }
    }
    #expect(
      error.description.contains("expected the column 'passage' that column names"), "\(error)")
  }
}
