// Grades of measurements, and what is advised.

import Testing

@testable import HHAnalysis
@testable import HHModel
@testable import HHPipeline
@testable import HHTraining

@Suite("Verdict")
struct VerdictTests {
  private func verdict(
    _ figures: [EvaluationFigure], positions: Int? = 2048, layers: Int = 12,
    _ change: (inout ConversionOptions) -> Void = { _ in }
  ) -> Verdict {
    var options = ConversionOptions()
    change(&options)
    let result = EvaluationResult(
      task: Fidelity.task, after: "distil", data: "rows", figures: figures)
    return Verdict(result, of: options, decoderPositions: positions, layerCount: layers)
  }

  private func perplexity(_ value: Double) -> EvaluationFigure {
    EvaluationFigure(name: "perplexity", value: value, teacher: 20, isCost: true)
  }

  @Test(
    "a perplexity is graded by its ratio to the softmax model's",
    arguments: [
      (18, Verdict.Grade.kept), (21, .kept), (21.1, .close), (23, .close), (24, .worse),
      (30, .worse), (30.1, .broken), (600, .broken), (.infinity, .unknown), (.nan, .unknown),
    ])
  func perplexities(_ value: Double, _ grade: Verdict.Grade) {
    let verdict = verdict([perplexity(value)])
    #expect(verdict.grade == grade)
    #expect(verdict.remedies.isEmpty == (grade == .kept))
  }

  @Test("accuracy goes before states, and a missing figure is never a good one")
  func others() {
    let cosine = EvaluationFigure(
      name: "cosine of the last states", value: 0.99, teacher: nil, isCost: false)
    let accuracy = EvaluationFigure(name: "accuracy", value: 0.5, teacher: 0.9, isCost: false)
    #expect(verdict([cosine], positions: nil).grade == .kept)
    #expect(verdict([cosine, accuracy], positions: nil).grade == .broken)
    #expect(verdict([], positions: nil).grade == .unknown)
  }

  @Test("advice is what was not done yet")
  func advice() throws {
    let hybrid = try Recipe.named("hybrid").options(model: "x", threads: 1)
    #expect(hybrid.length == Verdict.hybridLength)
    let plain = verdict([perplexity(40)])
    #expect(plain.remedies == [.window, .hybrid, .data, .chosenLayers])
    // Rows of the recipe do not fit into fewer positions.
    #expect(verdict([perplexity(40)], positions: 512).remedies[1] == .finishOnLogits)
    let done = verdict([perplexity(40)]) {
      ($0.attention.window, $0.data, $0.finetuning.steps) = (64, "text", 60)
      $0.attention.softmaxLayers = [0]
    }
    #expect(done.remedies == [.steps])
    let encoder = verdict([], positions: nil)
    #expect(encoder.remedies.first == .finish)
    // Nothing is advised that would be refused: only decoders choose, and fewer layers than they have.
    #expect(encoder.remedies.last == .softmaxLayers)
    #expect(verdict([perplexity(40)], layers: 3).remedies.last == .softmaxLayers)
  }
}
