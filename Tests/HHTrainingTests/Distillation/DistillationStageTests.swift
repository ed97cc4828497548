// Training the maps of small trained models: how far it gets, and that it is repeatable.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHModel
@testable import HHTraining

@Suite("DistillationStage")
struct DistillationStageTests {
  /// Rows of 64 tokens of the corpus, the first `training` to train on, the next eight held out.
  private func rows(
    _ name: String, training: Int
  ) throws -> (training: ModelInput, heldOut: ModelInput) {
    let text = String(
      decoding: try readBytes(at: Fixtures.path("data/corpus.txt")).prefix(40_000), as: UTF8.self)
    let tokenizer = try #require(try TokenizerLoader.load(beside: Fixtures.path("models/\(name)")))
    let ids = tokenizer.encode(text).prefix((training + 8) * 64)
    try #require(ids.count == (training + 8) * 64)
    let all = ModelInput.tokens(TokenBatch(ids: Array(ids), length: 64))
    return (all.rows(0..<training), all.rows(training..<training + 8))
  }

  private func recipe(steps: Int, batch: Int = 8, rate: Double = 1e-2) -> TrainingPlan {
    var recipe = TrainingPlan(.distil)
    recipe.steps = steps
    recipe.batchSize = batch
    recipe.learningRate = rate
    return recipe
  }

  private func distil(
    _ name: String, _ recipe: TrainingPlan, rows: Int = 64,
    report: @escaping ProgressReport = { _ in }
  ) throws -> DistillationResult {
    let runner = try Models.trained(name)
    let (training, heldOut) = try self.rows(name, training: rows)
    return try DistillationStage(
      runner: runner, plan: runner.graph.rewritten().plan, recipe: recipe
    ).run(training: training, heldOut: heldOut, report: report)
  }

  private func values(_ result: DistillationResult) -> [[Float]] {
    result.maps.keys.sorted().flatMap { layer in
      result.maps[layer]?.parameters.map(\.values) ?? []
    }
  }

  @Test(
    "sixty steps take the divergence to half and less",
    arguments: [("gpt2", 0.5), ("llama", 0.75), ("bert", 0.6)])
  func learns(name: String, share: Double) throws {
    let result = try distil(name, recipe(steps: 60, rate: 0.1))
    #expect(result.klAfter <= share * result.klBefore, "\(result.klBefore) → \(result.klAfter)")
    #expect(result.layers.map(\.layer) == [0, 1, 2])
    #expect(result.steps == 60 && result.tokens == 60 * 8 * 64)
    for layer in result.layers {
      #expect(layer.klAfter > 0 && layer.klAfter < layer.klBefore)
      #expect(layer.klPerHead.count == 4)
      let mean = layer.klPerHead.reduce(0, +) / 4
      #expect(abs(mean - layer.klAfter) <= 1e-9)
    }
    #expect(
      result.klAfter == result.layers.map(\.klAfter).reduce(0, +) / 3
        && result.klBefore == result.layers.map(\.klBefore).reduce(0, +) / 3)
  }

  @Test(
    "rows that fit into the window leave keys beyond it without weight",
    arguments: [AttentionDistillation.Factors(), .init(weights: 0, outputs: 1)])
  func rowsWithinWindow(_ factors: AttentionDistillation.Factors) throws {
    let runner = try Models.trained("llama")
    let (training, heldOut) = try rows("llama", training: 16)
    var settings = LinearAttentionSettings()
    settings.window = 64
    var recipe = recipe(steps: 5)
    recipe.factors = factors
    let result = try DistillationStage(
      runner: runner, plan: runner.graph.rewritten(settings).plan, recipe: recipe
    ).run(training: training, heldOut: heldOut) { _ in }
    for maps in result.maps.values {
      #expect(maps.windowFactors.allSatisfy { $0 > 1000 }, "\(maps.windowFactors)")
    }
  }

  @Test("the same seed gives the same maps bit for bit, another seed others")
  func repeatable() throws {
    var recipe = recipe(steps: 12)
    let first = try distil("llama", recipe, rows: 40)
    let second = try distil("llama", recipe, rows: 40)
    #expect(values(first) == values(second))
    #expect(first.layers == second.layers)
    recipe.seed = 7
    #expect(values(try distil("llama", recipe, rows: 40)) != values(first))
  }

  @Test("each layer is trained as it would be alone, with every query and key computed anew")
  func layersAreIndependent() throws {
    // 20 rows in batches of 8: three batches, the last of four rows; ten steps revisit all of them.
    let recipe = recipe(steps: 10)
    let joint = try distil("gpt2", recipe, rows: 20)
    let runner = try Models.trained("gpt2")
    let plan = runner.graph.rewritten().plan
    let (training, _) = try rows("gpt2", training: 20)
    let schedule = BatchSchedule(rowCount: 20, batchSize: 8, steps: 10, seed: recipe.seed)
    for block in plan.blocks {
      let states = try HiddenStates(training, runner, rowsPerChunk: 4096)
      for layer in 0..<block.layer {
        let below = try #require(TeacherLayer(runner, layer: layer))
        for rows in schedule.batches {
          _ = try states.queryKey(below, rows: rows, advancing: true)
        }
      }
      let teacher = try #require(TeacherLayer(runner, layer: block.layer))
      let student = LayerStudent(block, scale: teacher.attention.scale, recipe: recipe)
      let rates = recipe.rates(headSize: teacher.attention.headSize, steps: 10)
      for (step, batch) in schedule.order.enumerated() {
        let queryKey = try states.copy(of: schedule.batches[batch])
          .queryKey(teacher, rows: 0..<schedule.batches[batch].count, advancing: false)
        let sample = recipe.settings.sample(
          step: step, of: queryKey.shape, headSize: teacher.attention.headSize)
        _ = student.step(
          queryKey, sample: sample, rate: rates.rate(step: step), measuring: false)
      }
      #expect(
        student.maps.parameters.map(\.values)
          == joint.maps[block.layer]?.parameters.map(\.values), "layer \(block.layer)")
    }
  }

  @Test("a layer ends when its held-out divergence stops falling, with its best maps")
  func earlyStop() throws {
    var recipe = recipe(steps: 60, rate: 0.3)
    recipe.schedule = .constant
    recipe.earlyStop = EarlyStopSettings(patience: 1, interval: 5)
    var measured: [Int: [Double]] = [:]
    let result = try distil("gpt2", recipe, rows: 8) { event in
      guard case .measured(let measurement) = event, let layer = measurement.layer else { return }
      #expect(measurement.step.isMultiple(of: 5) && measurement.perHead.count == 4)
      measured[layer, default: []].append(measurement.loss)
    }
    #expect(result.steps < 60)
    for layer in result.layers {
      let losses = try #require(measured[layer.layer])
      #expect(try layer.klAfter == min(layer.klBefore, #require(losses.min())))
      #expect(losses.count == 12 || losses.last ?? 0 > losses[losses.count - 2])
    }
  }

  @Test("clipping, decay and schedules change what is learnt")
  func settings() throws {
    let plain = values(try distil("gpt2", recipe(steps: 6), rows: 8))
    for change in [
      { $0.clip = 1e-6 }, { $0.weightDecay = 0.5 }, { $0.schedule = .cosine },
      { $0.schedule = .constant },
    ] as [(inout TrainingPlan) -> Void] {
      var recipe = recipe(steps: 6)
      change(&recipe)
      #expect(values(try distil("gpt2", recipe, rows: 8)) != plain)
    }
    var clipped = recipe(steps: 6)
    clipped.clip = 1e9
    #expect(values(try distil("gpt2", clipped, rows: 8)) == plain)
  }

  @Test("on disk or in memory, the same maps come out bit for bit", arguments: ["gpt2", "llama"])
  func spilled(name: String) throws {
    let directory = try TemporaryDirectory()
    let recipe = recipe(steps: 10)
    let runner = try Models.trained(name)
    let (training, heldOut) = try rows(name, training: 20)
    let results = try [SpillSpace.memory, .disk(folder: directory.path)].map { space in
      try DistillationStage(
        runner: runner, plan: runner.graph.rewritten().plan, recipe: recipe, space: space
      ).run(training: training, heldOut: heldOut, report: { _ in })
    }
    #expect(values(results[0]) == values(results[1]))
    #expect(results[0].layers == results[1].layers)
    #expect(try directoryEntries(of: directory.path).isEmpty)
    #expect(throws: FormatError.self) {
      try DistillationStage(
        runner: runner, plan: runner.graph.rewritten().plan, recipe: recipe,
        space: .disk(folder: "\(directory.path)/missing")
      ).run(training: training, heldOut: heldOut, report: { _ in })
    }
  }

  @Test("progress counts steps and layers")
  func progress() throws {
    var layers: [Int] = []
    var last: StepProgress?
    _ = try distil("gpt2", recipe(steps: 11), rows: 16) { event in
      switch event {
      case .layerFinished(let layer, of: let count):
        #expect(count == 3)
        layers.append(layer.layer)
      case .step(let progress):
        #expect(progress.steps == 11 && (1...11).contains(progress.step))
        #expect(progress.loss.isFinite && progress.tokensPerSecond > 0)
        #expect(progress.secondsLeft >= 0)
        last = progress
      default: Issue.record("unexpected event \(event)")
      }
    }
    #expect(layers == [0, 1, 2])
    #expect(last?.layer == 2 && last?.step == 11)
    #expect(abs(last?.secondsLeft ?? 1) < 1e-9)
    #expect(throws: PipelineError.interrupted(signal: 15)) {
      try distil("gpt2", recipe(steps: 11), rows: 16) { _ in
        throw PipelineError.interrupted(signal: 15)
      }
    }
  }

  @Test("a budget ends training early, after one step at the least; a large one changes nothing")
  func budget() throws {
    var recipe = recipe(steps: 12)
    let full = try distil("gpt2", recipe, rows: 16)
    for budget in [1e-9, 0, -1] {
      recipe.budget = budget
      #expect(try distil("gpt2", recipe, rows: 16).steps == 1)
    }
    for budget in [1e6, 1e300, .infinity] {
      recipe.budget = budget
      let result = try distil("gpt2", recipe, rows: 16)
      #expect(result.steps == 12)
      #expect(values(result) == values(full))
    }
  }

  @Test("no steps stay no steps, whatever the budget")
  func budgetOfNoSteps() throws {
    var recipe = recipe(steps: 0)
    let plain = try distil("gpt2", recipe, rows: 16)
    recipe.budget = 60
    let result = try distil("gpt2", recipe, rows: 16)
    #expect(result.steps == 0)
    #expect(values(result) == values(plain))
  }

  @Test("a learning rate beyond float32 ends in an error, not in a crash or in maps of NaN")
  func diverges() throws {
    for name in ["gpt2", "bert"] {
      let error = try #require(throws: PipelineError.self) {
        try distil(name, recipe(steps: 20, rate: 1e300), rows: 16)
      }
      guard case .diverged(let layer, let step, _) = error else {
        Issue.record("unexpected \(error)")
        continue
      }
      #expect(layer == 0 && (1...20).contains(step))
      #expect(error.description.contains("layer 0, step \(step): expected a finite loss"))
    }
  }

  @Test("maps of any finite size give a divergence that is a number of at least zero")
  func absurd() throws {
    for rate in [1e3, 1e10, 1e30] {
      do {
        let result = try distil("gpt2", recipe(steps: 12, rate: rate), rows: 16)
        #expect(values(result).allSatisfy { $0.allSatisfy(\.isFinite) })
        #expect(result.layers.allSatisfy { $0.klAfter.isFinite && $0.klAfter >= 0 })
      } catch let error as PipelineError {
        #expect(error.description.contains("expected a finite loss"))
      }
    }
  }

  @Test("fewer rows than a batch, one row, and one step are enough")
  func small() throws {
    let one = try distil("llama", recipe(steps: 1), rows: 1)
    #expect(one.steps == 1 && one.tokens == 64 && one.klAfter.isFinite)
    let few = try distil("llama", recipe(steps: 4), rows: 3)
    #expect(few.klAfter < few.klBefore)
  }
}
