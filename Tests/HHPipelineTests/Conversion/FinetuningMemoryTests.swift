// What finetuning gives up for less memory, and what that is worth.

import HHModel
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHPipeline
@testable import HHTraining

@Suite("FinetuningMemory")
struct FinetuningMemoryTests {
  private func memory(
    _ recipe: TrainingPlan, _ objective: ObjectiveKind = .nextToken, mapCount: Int = 6144
  ) throws -> FinetuningMemory {
    FinetuningMemory(
      recipe, objective: objective, graph: try Models.trained("llama").graph, mapCount: mapCount,
      positions: 512, answers: 0)
  }

  private var adapters: TrainingPlan {
    var recipe = TrainingPlan(.finetune)
    recipe.lora = LowRankSettings()
    return recipe
  }

  @Test("records go first, then weights that do not change; weights that are trained stay")
  func order() throws {
    for trainsWeights in [false, true] {
      let recipe = trainsWeights ? TrainingPlan(.finetune) : adapters
      let memory = try memory(recipe)
      var (roomy, tight, tightest) = (recipe, recipe, recipe)
      memory.fit(&roomy, limit: memory.bytes(recipe))
      #expect(!roomy.recomputesBlocks && !roomy.streamsWeights)
      memory.fit(&tight, limit: memory.bytes(recipe) - 1)
      #expect(tight.recomputesBlocks && !tight.streamsWeights)
      #expect(memory.bytes(tight) < memory.bytes(recipe))
      memory.fit(&tightest, limit: memory.bytes(tight) - 1)
      #expect(tightest.recomputesBlocks && tightest.streamsWeights != trainsWeights)
      #expect((memory.bytes(tightest) < memory.bytes(tight)) != trainsWeights)
    }
  }

  @Test("trained weights and maps need moments, and a teacher that is asked needs its own weights")
  func parts() throws {
    let all = TrainingPlan(.finetune)
    let trained = try memory(all).bytes(all)
    let alone = try memory(adapters).bytes(adapters)
    let taught = try memory(all, .teacherLogits).bytes(all)
    #expect(trained > alone && taught > trained)
    #expect(try memory(all, mapCount: 6244).bytes(all) == trained + 100 * 4 * 5)
    // The teacher whose own loss is measured before adapters are trained.
    #expect(try memory(adapters, .teacherLogits).bytes(adapters) == alone)
  }
}
