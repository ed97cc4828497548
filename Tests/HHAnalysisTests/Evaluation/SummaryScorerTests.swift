// Texts with summaries, and what a decoder's own summaries score.

import HHCompute
import HHFormat
import HHTestSupport
import HHTraining
import Testing

@testable import HHAnalysis
@testable import HHModel

@Suite("SummaryScorer")
struct SummaryScorerTests {
  @Test("examples are JSON lines with one summary or several")
  func reads() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(
      """
      {"id": 1, "dialogue": "a: b", "summary": "x"}

      {"document": "c", "summary1": "y", "summary2": "z", "topic1": "t"}
      """, to: "d.jsonl")
    #expect(
      try SummaryExample.read(at: path) == [
        SummaryExample(text: "a: b", references: ["x"]),
        SummaryExample(text: "c", references: ["y", "z"]),
      ])
  }

  @Test(
    "a bad line is named",
    arguments: [
      ("{\"dialogue\": 1}", "expected the key 'dialogue' with text"), ("[]", "expected an object"),
      ("{\"dialogue\": \"a\"}", "expected the key 'summary'"), ("{", "invalid JSON at byte "),
    ])
  func badLines(_ line: String, problem: String) throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(
      "{\"dialogue\": \"a\", \"summary\": \"b\"}\n\(line)\n", to: "d.jsonl")
    let error = #expect(throws: FormatError.self) { try SummaryExample.read(at: path) }
    #expect(error?.kind == .badData && error?.place == "line 2")
    #expect(error?.problem.hasPrefix(problem) == true, "\(String(describing: error))")
    let empty = try directory.write("\n", to: "e.jsonl")
    #expect(throws: FormatError.self) { try SummaryExample.read(at: empty) }
  }

  @Test("a decoder's summaries are scored, however long the text")
  func scores() throws {
    let directory = try TemporaryDirectory()
    let text = String(repeating: "the cat sat on the mat and ", count: 60)
    let path = try directory.write(
      JSONValue.object(["dialogue": .string(text), "summary": .string("the cat")]).text,
      to: "d.jsonl")
    var options = EvaluationOptions(
      model: Fixtures.path("models/llama"), task: .summarise, data: path,
      threads: ThreadPolicy.threads)
    options.length = 112
    let figures = try Evaluation(options).run { _ in }
    #expect(figures.map(\.name) == ["ROUGE-1", "ROUGE-2", "ROUGE-L"])
    #expect(figures.allSatisfy { (0...1).contains($0.value) && $0.teacher == nil })
    options.length = 64
    #expect(throws: PipelineError.self) { try Evaluation(options) }
  }
}
