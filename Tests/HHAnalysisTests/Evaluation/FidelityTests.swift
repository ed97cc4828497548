// What a converted model keeps, against what both models answer.

import HHCompute
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHAnalysis
@testable import HHData
@testable import HHModel
@testable import HHTraining

@Suite("Fidelity")
struct FidelityTests {
  private func figures(
    _ name: String, rows: ModelInput, labels: [Int32]? = nil, of student: ModelRunner
  ) throws -> [String: EvaluationFigure] {
    let model = try OpenedModel(opening: Fixtures.path("golden/forward/\(name)"))
    let fidelity = Fidelity(LabelledRows(rows, labels: labels), of: model)
    let figures = try fidelity.figures(student) { _ in }
    return Dictionary(uniqueKeysWithValues: figures.map { ($0.name, $0) })
  }

  @Test(
    "a model that was not changed keeps everything",
    arguments: ["gpt2-base", "llama-gqa", "bert-model", "bert-masked-lm", "vit-classifier"])
  func same(_ name: String) throws {
    let figures = try figures(name, rows: Models.input(name), of: Models.golden(name))
    for (figure, value) in figures {
      if figure == "perplexity" {
        #expect(value.value == value.teacher)
      } else {
        #expect(abs(value.value - 1) < 1e-6, "\(figure)")
      }
    }
    #expect(!figures.isEmpty)
  }

  @Test("a decoder's next tokens are compared position by position")
  func decoder() throws {
    let name = "gpt2-base"
    let teacher = try Models.golden(name)
    let student = try Models.golden(name).rewritten()
    let ids = (0..<48).map { Int32($0 * $0 % 31) }
    let rows = ModelInput.tokens(TokenBatch(ids: ids, length: 16))
    let found = try figures(name, rows: rows, of: student)
    let answers = try [student, teacher].map { runner in
      try #require(try runner.outputs(for: rows).logits).argmaxOfRows
    }
    // The last position of a row has no next token.
    let compared = (0..<48).filter { $0 % 16 != 15 }
    let same = compared.count { answers[0][$0] == answers[1][$0] }
    #expect(found["same next token"]?.value == Double(same) / 45)
    let perplexity = try #require(found["perplexity"])
    #expect(perplexity.isCost && perplexity.value != perplexity.teacher)
  }

  @Test("padding is not compared, and a classifier's labels are counted")
  func encoder() throws {
    let name = "bert-classifier"
    let student = try Models.golden(name).rewritten()
    let input = try Models.input(name)
    let labels = [Int32](repeating: 1, count: input.rowCount)
    let found = try figures(name, rows: input, labels: labels, of: student)
    let teacher = try Models.golden(name)
    let (own, other) = (try student.outputs(for: input), try teacher.outputs(for: input))
    let batch = try #require(input.tokens)
    var (cosines, count) = (0.0, 0)
    for row in 0..<own.hidden.rows
    where batch.validLengths.map({ row % batch.length < $0[row / batch.length] }) ?? true {
      let a = own.hidden.rows(row..<row + 1).values.map(Double.init)
      let b = other.hidden.rows(row..<row + 1).values.map(Double.init)
      func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
      cosines += dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
      count += 1
    }
    let cosine = try #require(found["cosine of the last states"])
    #expect(abs(cosine.value - cosines / Double(count)) < 1e-6)
    let classes = try #require(own.logits).argmaxOfRows
    #expect(
      found["accuracy"]?.value == Double(classes.count { $0 == 1 }) / Double(input.rowCount))
  }
}
