// Answers of a teacher that follow from distillation's own pass: the bits that asking gives.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHModel
@testable import HHPipeline
@testable import HHTraining

@Suite("TeacherStates")
struct TeacherStatesTests {
  /// 22 rows, of which 20 are distilled in batches of 4; with `padding`, rows have several lengths.
  private func rows(_ name: String, padding: Bool) throws -> ModelInput {
    if name == "vit" {
      let source = try DataSource(
        at: Fixtures.path("data/shapes/train-images-idx3-ubyte"),
        for: .images(ImageShape(channels: 1, height: 16, width: 16)), tokenizer: nil,
        vocabularySize: 0, files: ModelFiles(in: Fixtures.path("models/vit")))
      return source.rows.rows(0..<22).input
    }
    return .tokens(
      TokenBatch(
        ids: (0..<22 * 24).map { Int32($0 * 37 % 400) }, length: 24,
        validLengths: padding ? (0..<22).map { 3 + $0 * 7 % 22 } : nil))
  }

  private func passed(
    _ runner: ModelRunner, _ input: ModelInput, softmaxLayers: [Int], space: SpillSpace
  ) throws -> TeacherStates {
    var settings = LinearAttentionSettings()
    settings.softmaxLayers = softmaxLayers
    var recipe = TrainingPlan(.distil)
    // Four of the five batches.
    (recipe.steps, recipe.batchSize) = (4, 4)
    let stage = DistillationStage(
      runner: runner, plan: runner.graph.rewritten(settings).plan, recipe: recipe, space: space)
    let result = try stage.run(
      training: input.rows(0..<20), heldOut: input.rows(20..<22), checkpointing: nil,
      keepingStates: true, report: { _ in })
    return try #require(result.passed)
  }

  private func answers(
    _ runner: ModelRunner, _ kind: ObjectiveKind, _ input: ModelInput, _ passed: TeacherStates?,
    space: SpillSpace = .memory
  ) throws -> [[Float]] {
    let answers = try TeacherAnswers(
      of: runner, kind, to: input, groupSize: 4, reusableRowCount: 20, passed: passed, space: space)
    let isLogits = kind == .teacherLogits && runner.graph.classifier != nil
    return try (0..<22).reversed().map { row in
      let length = isLogits ? 1 : runner.length(of: input.rows([row]))
      let target = Matrix(rows: length, columns: answers.width)
      try answers.copy(of: [row], length: length, into: target)
      return target.values
    }
  }

  @Test(
    "answers have the same bits with and without distillation's states, and use them",
    arguments: [
      ("gpt2", ObjectiveKind.teacherLogits, [Int](), false),
      ("llama", .teacherStates, [0, 2], false),
      ("bert", .teacherStates, [], true), ("bert", .teacherStates, [1], false),
      ("vit", .teacherLogits, [], false), ("vit", .teacherStates, [0], false),
    ], [false, true])
  func sameBits(
    _ model: (name: String, kind: ObjectiveKind, softmaxLayers: [Int], padding: Bool),
    onDisk: Bool
  ) throws {
    let directory = try TemporaryDirectory()
    let space = onDisk ? SpillSpace.disk(folder: directory.path) : .memory
    let runner = try Models.trained(model.name)
    let input = try rows(model.name, padding: model.padding)
    let asked = try answers(runner, model.kind, input, nil)
    let passed = try passed(runner, input, softmaxLayers: model.softmaxLayers, space: space)
    #expect(passed.batches.count == 4)
    let spoilt = Matrix(rows: passed.states.rows, columns: passed.states.columns)
    #expect(try answers(runner, model.kind, input, passed, space: space) == asked)
    let others = try answers(
      runner, model.kind, input, TeacherStates(states: spoilt, batches: passed.batches))
    for row in 0..<22 {
      let isPassed = row < 20 && passed.batches.contains(row / 4)
      #expect((others[21 - row] != asked[21 - row]) == isPassed, "row \(row)")
    }
  }

  @Test("rows are shared by whole batches that are as large and precise in both stages")
  func shared() {
    var options = ConversionOptions(model: "m", threads: 1)
    options.distillation.batchSize = 8
    #expect(options.sharedRowCount(distilled: 20, of: 20) == 0)
    options.finetuning.steps = 5
    #expect(options.sharedRowCount(distilled: 20, of: 20) == 20)
    #expect(options.sharedRowCount(distilled: 20, of: 21) == 16)
    #expect(options.sharedRowCount(distilled: 7, of: 21) == 0)
    options.finetuning.batchSize = 4
    #expect(options.sharedRowCount(distilled: 20, of: 20) == 0)
    options.finetuning.batchSize = 8
    options.finetuning.precision = .bfloat16
    #expect(options.sharedRowCount(distilled: 20, of: 20) == 0)
  }
}
