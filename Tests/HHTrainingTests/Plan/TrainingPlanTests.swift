// What follows from the settings of a stage.

import HHCompute
import HHFormat
import HHModel
import Testing

@testable import HHTraining

@Suite("TrainingPlan")
struct TrainingPlanTests {
  @Test("epochs become steps once the rows are known, a started batch counting as one")
  func epochs() throws {
    var distillation = TrainingSettings(.distil)
    (distillation.epochs, distillation.batchSize) = (1.5, 8)
    #expect(try TrainingPlan(distillation, rowCount: 11, seed: 0).steps == 3)
    #expect(try TrainingPlan(distillation, rowCount: 1, seed: 0).steps == 1)
    var finetuning = TrainingSettings(.finetune)
    (finetuning.epochs, finetuning.accumulation) = (2, 3)
    let plan = try TrainingPlan(finetuning, rowCount: 100, seed: 4)
    #expect(plan.steps == 9 && plan.seed == 4 && plan.visits == 9 * 3 * 8)
    finetuning.epochs = 1e5
    let error = #expect(throws: PipelineError.self) {
      try TrainingPlan(finetuning, rowCount: 1_000_000, seed: 0)
    }
    #expect("\(try #require(error))".hasPrefix("epochs: expected at most 10,000,000 steps"))
  }

  @Test("steps and epochs replace each other, and steps are taken as they are")
  func lengths() throws {
    var settings = TrainingSettings(.distil)
    #expect(try TrainingPlan(settings, rowCount: 5, seed: 0) == TrainingPlan(settings))
    #expect(TrainingPlan(settings).steps == 100)
    settings.epochs = 2
    #expect(settings.steps == nil && settings.isEnabled)
    settings.steps = 0
    #expect(settings.epochs == nil && !settings.isEnabled)
  }

  @Test("what a manifest records keeps its old order, and new settings only where they are chosen")
  func record() {
    var settings = TrainingSettings(.finetune)
    settings.steps = 3
    let old = [
      "steps", "epochs", "batch", "accumulation", "learning_rate", "decay", "warm_up",
      "weight_decay", "clip", "loss", "temperature",
    ]
    #expect(TrainingPlan(settings).record.keys == old)
    (settings.precision, settings.lora) = (.bfloat16, LowRankSettings())
    settings.earlyStop = EarlyStopSettings()
    let record = TrainingPlan(settings).record
    #expect(record.keys == old + ["precision", "early_stop", "lora"])
    #expect(record["decay"]?.string == "linear" && record["steps"]?.integer == 3)
    let distillation = TrainingPlan(.distil).record
    #expect(distillation["schedule"]?.string == "linear" && distillation["precision"] == nil)
    #expect(distillation["loss"]?["attention_weights"]?.double == 1)
  }
}
