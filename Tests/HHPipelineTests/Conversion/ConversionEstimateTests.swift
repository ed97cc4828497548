// The parts of a conversion's work: what each grows with, and what it does not depend on.

import HHCompute
import HHModel
import ModelTestSupport
import Testing

@testable import HHPipeline
@testable import HHTraining

@Suite("ConversionEstimate")
struct ConversionEstimateTests {
  private func estimate(
    _ name: String = "gpt2", steps: Int = 100, batch: Int = 8, rows: Int = 64, heldOut: Int = 8,
    length: Int = 64
  ) throws -> ConversionEstimate {
    var recipe = TrainingPlan(.distil)
    (recipe.steps, recipe.batchSize) = (steps, batch)
    return ConversionEstimate(
      graph: try Models.trained(name).graph, recipe: recipe, rowCount: rows,
      heldOutCount: heldOut, length: length)
  }

  @Test("the teacher passes every row once, however many steps there are")
  func teacher() throws {
    let (few, many) = (try estimate(steps: 1), try estimate(steps: 1000))
    #expect(few.teacher == many.teacher)
    let twice = try estimate(rows: 128, heldOut: 16)
    #expect(twice.teacher.products == 2 * few.teacher.products)
    // 2 operations per weight and token: qkv, output, up and down of each of three blocks.
    let weights = 3 * (64 * 192 + 64 * 64 + 2 * 64 * 128)
    #expect(few.teacher.products == Double(2 * weights * 72 * 64))
  }

  @Test("steps cost what their rows do, and no more rows than there are")
  func steps() throws {
    let once = try estimate()
    let twice = try estimate(steps: 200)
    #expect(twice.steps.attention == 2 * once.steps.attention)
    #expect(twice.steps.calls == 600 && once.steps.calls == 300)
    #expect(once.steps.products == 0)
    #expect(
      try estimate(batch: 64, rows: 6).steps == estimate(batch: 6, rows: 6).steps)
    #expect(try estimate(steps: 0).steps.seconds(rate: 1e9) == 0)
  }

  @Test("of a large batch some queries are looked at, so that more rows cost only their keys")
  func sampling() throws {
    let (one, eight) = (
      try estimate(batch: 2, length: 128).steps.attention,
      try estimate(batch: 16, length: 128).steps.attention
    )
    #expect(eight < 4 * one)
  }

  @Test("rounded factors take room, and products that are faster take less time")
  func precision() throws {
    var recipe = TrainingPlan(.distil)
    func memory() throws -> Double {
      ConversionEstimate(
        graph: try Models.trained("gpt2").graph, recipe: recipe, rowCount: 64, heldOutCount: 8,
        length: 64
      ).memory
    }
    let float32 = try memory()
    recipe.precision = .bfloat16
    // Six bytes for the largest weight, 64 × 192, and for 4,096 rows of 192.
    #expect(try memory() == float32 + 6 * (64 * 192 + 4096 * 192))
    let work = ConversionEstimate.Work(products: 8e9, attention: 0, calls: 0)
    #expect(work.seconds(rate: 1e9, gain: 2) == 4)
  }

  @Test("held-out rows are measured whatever the steps")
  func measuring() throws {
    #expect(try estimate().measuring == estimate(steps: 7, rows: 3).measuring)
    #expect(try estimate(heldOut: 0).measuring.attention == 0)
  }

  @Test("a decoder that writes its rows begins every layer once a token")
  func writing() throws {
    var estimate = try estimate("llama")
    #expect(estimate.sampling == .init())
    let graph = try Models.trained("llama").graph
    estimate.addSampling(rowCount: 80, length: 64, graph: graph)
    #expect(estimate.sampling.calls == 64 * 3)
    #expect(estimate.sampling.products > 0 && estimate.sampling.attention > 0)
  }

  @Test("a teacher passes rows that come again once, and its answers may lie on disk")
  func finetuning() throws {
    func finetuning(
      _ steps: Int, _ objective: ObjectiveKind = .teacherStates, rows: Int = 64
    ) throws -> ConversionEstimate {
      var estimate = try estimate(rows: 1)
      var recipe = TrainingPlan(.finetune)
      recipe.steps = steps
      estimate.add(
        recipe, objective: objective, graph: try Models.trained("gpt2").graph, mapCount: 6144,
        rowCount: rows, heldOutCount: 8, length: 64)
      return estimate
    }
    // Eight steps see every row once; then every step saves its share of the teacher's work.
    let (once, twice) = (try finetuning(8), try finetuning(16))
    #expect(twice.finetuning.products < 1.9 * once.finetuning.products)
    #expect(
      try finetuning(16, rows: 128).finetuning.products > 1.05 * twice.finetuning.products)
    #expect(
      try finetuning(16, .nextToken).finetuning.products > twice.finetuning.products)
    let answers = Double(4 * 64 * 64 * 64)
    let held = Double(4 * 8 * 64 * 64)
    #expect(once.finetuningMemory?.answers == held)
    #expect(twice.finetuningMemory?.answers == held + answers)
    #expect(try finetuning(16, .nextToken).finetuningMemory?.answers == 0)
    var (roomy, tight, recipe) = (twice, twice, TrainingPlan(.finetune))
    recipe.steps = 16
    #expect(try roomy.fit(&recipe, evaluates: false, limit: 1 << 40, folder: "f") == .memory)
    let all = roomy.memory
    #expect(
      try tight.fit(&recipe, evaluates: false, limit: Int(all) - 1, folder: "f")
        == .disk(folder: "f"))
    #expect(tight.memory == all - held - answers)
  }

  @Test("attention is slower than products, and a layer takes a while even if it is small")
  func seconds() {
    typealias Work = ConversionEstimate.Work
    let products = Work(products: 1e9).seconds(rate: 1e10)
    #expect(abs(products - 0.1) < 1e-9)
    #expect(Work(attention: 1e9).seconds(rate: 1e10) > products)
    #expect(Work(calls: 1000).seconds(rate: 1e10) == Work(calls: 1000).seconds(rate: 1e12))
  }

  @Test("a budget bounds distillation")
  func budget() throws {
    let estimate = try estimate(steps: 1_000_000)
    #expect(estimate.seconds(budget: 2) == 2)
    #expect(estimate.seconds(budget: nil) > 100)
  }
}
