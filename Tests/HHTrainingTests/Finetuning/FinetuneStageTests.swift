// Finetuning small trained models: that it learns, repeats itself and knows when to stop.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHModel
@testable import HHTraining

@Suite("FinetuneStage")
struct FinetuneStageTests {
  /// Rows of the corpus or of the images, some to train on and eight held out.
  private func rows(_ name: String, training: Int = 64) throws -> (LabelledRows, LabelledRows) {
    let all: LabelledRows
    if name == "vit" {
      let source = try DataSource(
        at: Fixtures.path("data/shapes/train-images-idx3-ubyte"),
        for: .images(ImageShape(channels: 1, height: 16, width: 16)), tokenizer: nil,
        vocabularySize: 0, files: ModelFiles(in: Fixtures.path("models/vit")))
      let chosen = source.rows.rows(0..<training + 8)
      all = LabelledRows(chosen.input, labels: chosen.labels)
    } else {
      let text = String(
        decoding: try readBytes(at: Fixtures.path("data/corpus.txt")).prefix(30_000), as: UTF8.self)
      let tokenizer = try #require(
        try TokenizerLoader.load(beside: Fixtures.path("models/\(name)")))
      let ids = Array(tokenizer.encode(text).prefix((training + 8) * 48))
      all = LabelledRows(.tokens(TokenBatch(ids: ids, length: 48)))
    }
    return (all.rows(Array(0..<training)), all.rows(Array(training..<training + 8)))
  }

  private func recipe(steps: Int, rate: Double = 1e-3) -> TrainingPlan {
    var recipe = TrainingPlan(.finetune)
    recipe.steps = steps
    recipe.learningRate = rate
    return recipe
  }

  private struct Outcome {
    let result: FinetuneResult
    let student: ModelRunner
    var values: [[Float]] { result.parameters.all.map(\.value.values) }
  }

  private func finetune(
    _ name: String, _ recipe: TrainingPlan, space: SpillSpace = .memory,
    report: @escaping ProgressReport = { _ in }, prepare: (ModelRunner) -> Void = { _ in }
  ) throws -> Outcome {
    let teacher = try Models.trained(name)
    let student = try Models.trained(name).rewritten()
    prepare(teacher)
    prepare(student)
    let (training, heldOut) = try rows(name)
    let result = try FinetuneStage(
      student: student, teacher: teacher, recipe: recipe, space: space
    ).run(training: training, heldOut: heldOut, report: report)
    return Outcome(result: result, student: student)
  }

  @Test(
    "thirty steps take the loss well towards the teacher's",
    arguments: [
      ("gpt2", "next-token", 0.6), ("llama", "next-token", 0.75), ("bert", "teacher-hidden", 0.75),
      ("vit", "classes", 0.75),
    ])
  func learns(name: String, objective: String, share: Double) throws {
    nonisolated(unsafe) var steps: [FinetuneProgress] = []
    let outcome = try finetune(name, recipe(steps: 30)) { event in
      if case .finetuneStep(let step) = event { unsafe steps.append(step) }
    }
    let result = outcome.result
    #expect(result.objective.word == objective)
    #expect(
      result.lossAfter < share * result.lossBefore, "\(result.lossBefore) → \(result.lossAfter)")
    #expect((result.teacherLoss == nil) == (name == "bert"))
    if let teacher = result.teacherLoss { #expect(teacher < result.lossBefore) }
    #expect(result.steps == 30 && result.tokens == 30 * 8 * (name == "vit" ? 17 : 48))
    let (first, last) = try unsafe (#require(steps.first), #require(steps.last))
    #expect(first.step == 1 && last.step == 30 && last.secondsLeft == 0)
    #expect(first.rate == 1e-3 && last.rate < first.rate && last.gradientNorm > 0)
  }

  @Test("logits of a teacher are a goal as well", arguments: ["gpt2", "vit"])
  func teacherLogits(name: String) throws {
    var recipe = recipe(steps: 20)
    recipe.loss = .teacherLogits
    recipe.temperature = 2
    let result = try finetune(name, recipe).result
    #expect(result.lossAfter < 0.7 * result.lossBefore && result.teacherLoss == nil)
  }

  @Test(
    "a teacher's answers lie in memory or on disk, with the same weights in the end",
    arguments: ["gpt2", "bert", "vit"], [TrainingSettings.Loss.teacherLogits, .teacherHidden])
  func answersOnDisk(name: String, loss: TrainingSettings.Loss) throws {
    guard name != "bert" || loss == .teacherHidden else { return }
    let directory = try TemporaryDirectory()
    // 64 rows come once and the first eight of the next epoch again.
    var recipe = recipe(steps: 9)
    recipe.loss = loss
    let kept = try finetune(name, recipe)
    let onDisk = try finetune(name, recipe, space: .disk(folder: directory.path))
    #expect(onDisk.values == kept.values)
    #expect(onDisk.result.lossAfter == kept.result.lossAfter)
    #expect(try directoryEntries(of: directory.path).isEmpty)
    recipe.accumulation = 3
    #expect(
      try finetune(name, recipe).values
        == finetune(name, recipe, space: .disk(folder: directory.path)).values)
  }

  @Test("the same seed gives the same weights, two batches what one twice as large gives")
  func repeatable() throws {
    var recipe = recipe(steps: 4)
    let first = try finetune("llama", recipe)
    #expect(try finetune("llama", recipe).values == first.values)
    (recipe.accumulation, recipe.batchSize) = (2, 4)
    let halves = try finetune("llama", recipe)
    for (a, b) in zip(first.values, halves.values) { #expect(maximumDifference(a, b) < 1e-3) }
    (recipe.accumulation, recipe.batchSize) = (1, 8)
    recipe.recomputesBlocks = true
    #expect(try finetune("llama", recipe).values == first.values)
    recipe.seed = 3
    #expect(try finetune("llama", recipe).values != first.values)
  }

  @Test("adapters learn while the weights stay, and become part of them at the end")
  func adapters() throws {
    var recipe = recipe(steps: 30, rate: 1e-2)
    var settings = LowRankSettings()
    settings.dropout = 0.05
    recipe.lora = settings
    let outcome = try finetune("llama", recipe)
    #expect(outcome.result.lossAfter < 0.8 * outcome.result.lossBefore)
    let original = try Models.trained("llama").parameters
    let role = "layers.0.attention.query.weight"
    let student = outcome.student.parameters
    #expect(try student.vector(role).values == original.vector(role).values)
    outcome.result.parameters.mergeAdapters(into: outcome.student)
    #expect(try student.vector(role).values != original.vector(role).values)
    #expect(
      try student.vector("layers.0.mlp.up.weight").values
        == original.vector("layers.0.mlp.up.weight").values)
  }

  @Test(
    "weights that are read again for every block give the same bits",
    arguments: ["gpt2", "llama", "bert"])
  func streamed(name: String) throws {
    var recipe = recipe(steps: 3, rate: 1e-2)
    recipe.lora = LowRankSettings()
    let kept = try finetune(name, recipe)
    recipe.recomputesBlocks = true
    let streamed = try finetune(name, recipe, prepare: { $0.streamsWeights = true })
    #expect(streamed.values == kept.values)
    #expect(streamed.result.lossAfter == kept.result.lossAfter)
    #expect(streamed.result.teacherLoss == kept.result.teacherLoss)
    // At the end of a pass not even the last block is there.
    let role = "layers.1.attention.output.weight"
    let first = try streamed.student.parameters.vector(role)
    streamed.student.leaveBlock()
    #expect(try streamed.student.parameters.vector(role) !== first)
  }

  @Test("a rate that diverges stops with the step, and the good weights are back")
  func diverges() throws {
    let teacher = try Models.trained("gpt2")
    let student = try Models.trained("gpt2").rewritten()
    let (training, heldOut) = try rows("gpt2")
    let stage = FinetuneStage(
      student: student, teacher: teacher, recipe: recipe(steps: 20, rate: 1e30))
    let error = #expect(throws: PipelineError.self) {
      try stage.run(training: training, heldOut: heldOut) { _ in }
    }
    let text = "\(try #require(error))"
    #expect(text.contains("finetuning: step ") && text.contains("lower learning_rate"))
    #expect(text.contains("layer 0"))
    let role = "layers.1.mlp.up.weight"
    #expect(
      try student.parameters.vector(role).values == teacher.parameters.vector(role).values)
  }

  @Test("a plateau lowers the rate only when the loss stops falling")
  func plateau() throws {
    var recipe = recipe(steps: 12, rate: 1e-3)
    recipe.schedule = .plateau
    var plateau = PlateauSettings()
    (plateau.interval, plateau.patience) = (2, 0)
    recipe.plateau = plateau
    nonisolated(unsafe) var rates: [Double] = []
    _ = try finetune("gpt2", recipe) { event in
      if case .finetuneStep(let step) = event { unsafe rates.append(step.rate) }
    }
    #expect(unsafe rates.allSatisfy { $0 <= 1e-3 })
  }

  @Test("training ends when the held-out loss stops falling, with the best weights")
  func earlyStop() throws {
    var recipe = recipe(steps: 40, rate: 0.05)
    recipe.schedule = .constant
    recipe.earlyStop = EarlyStopSettings(patience: 2, interval: 2)
    nonisolated(unsafe) var losses: [Double] = []
    let result = try finetune("gpt2", recipe) { event in
      if case .measured(let measurement) = event { unsafe losses.append(measurement.loss) }
    }.result
    #expect(result.steps < 40)
    let best = try unsafe min(result.lossBefore, #require(losses.min()))
    #expect(result.lossAfter == best)
  }

  @Test("objectives that the model or its data cannot serve are refused")
  func refusals() throws {
    var recipe = recipe(steps: 1)
    recipe.loss = .labels
    for name in ["bert"] {
      let error = #expect(throws: PipelineError.self) { try finetune(name, recipe) }
      #expect("\(try #require(error))".hasPrefix("loss: expected for 'labels' "))
    }
  }
}
