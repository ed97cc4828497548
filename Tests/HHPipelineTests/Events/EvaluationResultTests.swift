// Results as manifests and logs keep them.

import HHAnalysis
import HHFormat
import Testing

@testable import HHPipeline

@Suite("EvaluationResult")
struct EvaluationResultTests {
  private let result = EvaluationResult(
    task: "fidelity", after: "distil", data: "3 rows",
    figures: [
      EvaluationFigure(name: "perplexity", value: 2.5, teacher: 2, isCost: true),
      EvaluationFigure(name: "same next token", value: 0.75, teacher: nil, isCost: false),
    ])

  @Test("a manifest's stage and a log's line give the result back")
  func roundTrip() {
    #expect(EvaluationResult(result.stage, after: "distil") == result)
    #expect(EvaluationResult(.object(result.json())) == result)
    #expect(EvaluationResult(.init(name: "distil"), after: "") == nil)
  }

  @Test("a figure that is no number stays one that was measured")
  func notANumber() throws {
    let stage = ArtifactDescription.Stage(
      name: "evaluate",
      qualities: ["task": .string("t"), "accuracy": .null, "odd": .array([]), "data": .string("")])
    let figures = try #require(EvaluationResult(stage, after: "")).figures
    #expect(figures.map(\.name) == ["accuracy"] && figures[0].value.isNaN)
  }
}
