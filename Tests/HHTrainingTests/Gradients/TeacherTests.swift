// A teacher that is asked anew, and one whose answers are kept, say the same.

import HHCompute
import HHData
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHModel
@testable import HHTraining

@Suite("Teacher")
struct TeacherTests {
  @Test(
    "states and logits are the model's, kept or not",
    arguments: ["gpt2-base", "bert-classifier", "vit-classifier"])
  func answers(_ name: String) throws {
    let runner = try Models.golden(name)
    let input = try Models.input(name)
    let rows = Array(0..<input.rowCount)
    func teacher(_ kind: ObjectiveKind) throws -> [Teacher] {
      let answers = try TeacherAnswers(
        of: runner, kind, to: input, groupSize: rows.count, space: .memory)
      return [Teacher(runner), Teacher(keeping: answers).batch(rows)]
    }
    let expected = try runner.outputs(for: input)
    for teacher in try teacher(.teacherStates) {
      #expect(try teacher.states(of: input, in: Workspace()).values == expected.hidden.values)
    }
    guard runner.graph.classifier != nil else { return }
    for teacher in try teacher(.teacherLogits) {
      #expect(
        try teacher.rowLogits(of: input, in: Workspace()).values == expected.logits?.values)
    }
  }

  @Test("the logits of tokens are read off states that are kept")
  func tokenLogits() throws {
    let runner = try Models.golden("bert-masked-lm")
    let input = try Models.input("bert-masked-lm")
    let answers = try TeacherAnswers(
      of: runner, .teacherLogits, to: input, groupSize: input.rowCount, space: .memory)
    #expect(answers.width == runner.graph.hiddenSize)
    let student = try Models.golden("bert-masked-lm").rewritten()
    let none = try TrainableParameters(of: student, trained: .featureMaps, reaching: .teacherLogits)
    let losses = try [
      Teacher(runner), Teacher(keeping: answers).batch(Array(0..<input.rowCount)),
    ].map { teacher in
      try GradientRunner(model: student, parameters: none)
        .loss(input, .teacherLogits(teacher, temperature: 2))
    }
    #expect(losses[0] == losses[1] && losses[0].sum > 0)
  }
}
