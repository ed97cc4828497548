// The distribution of the draws, their seeds and their progress.

import Glibc
import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHModel

@Suite("DecoderSampler")
struct DecoderSamplerTests {
  @Test("the same seed gives the same rows, another seed others")
  func seeds() throws {
    let runner = try Models.trained("llama")
    func sample(_ seed: UInt64, rows: Int = 4, first: Int32? = 1) throws -> TokenBatch {
      try DecoderSampler(runner: runner, rowCount: rows, length: 24)
        .sample(first: first, seed: seed) { _, _ in }
    }
    let rows = try sample(3)
    #expect(try sample(3) == rows)
    #expect(try sample(4) != rows)
    #expect(rows.rowCount == 4 && rows.length == 24)
    #expect((0..<4).allSatisfy { rows.ids[$0 * 24] == 1 })
    #expect(rows.ids.allSatisfy { (0..<Int32(runner.graph.vocabularySize)).contains($0) })
    // A row depends on the seed and its number, not on the rows beside it.
    #expect(try sample(3, rows: 2).ids == Array(rows.ids.prefix(48)))
    let free = try sample(3, first: nil)
    #expect(Set((0..<4).map { free.ids[$0 * 24] }).count > 1)
  }

  @Test("tokens come as often as the model says at the temperature of samples")
  func frequencies() throws {
    let runner = try Models.golden("gpt2-inverse-layer")
    let rows = 4000
    let batch = try DecoderSampler(runner: runner, rowCount: rows, length: 2)
      .sample(first: 5, seed: 1) { _, _ in }
    let logits = try #require(
      try runner.outputs(for: .tokens(TokenBatch(ids: [5], length: 1))).logits)
    let weights = logits.values.map { exp(Double($0) / 0.8) }
    let total = weights.reduce(0, +)
    var counts = [Double](repeating: 0, count: weights.count)
    for row in 0..<rows { counts[Int(batch.ids[2 * row + 1])] += 1 }
    // Pearson's statistic; rare tokens together, so that its distribution is close to χ².
    var (statistic, classes, rareCount, rareExpected) = (0.0, 0, 0.0, 0.0)
    for (count, weight) in zip(counts, weights) {
      let expected = Double(rows) * weight / total
      if expected < 5 {
        rareCount += count
        rareExpected += expected
      } else {
        statistic += (count - expected) * (count - expected) / expected
        classes += 1
      }
    }
    #expect(abs(rareCount - rareExpected) <= 5 * max(1, rareExpected.squareRoot()))
    #expect(classes > 5)
    #expect(statistic < Double(classes) + 5 * (2 * Double(classes)).squareRoot())
  }

  @Test("progress is reported in tokens, and throwing from it ends the work")
  func progress() throws {
    let runner = try Models.golden("gpt2-inverse-layer")
    var seen: [Int] = []
    _ = try DecoderSampler(runner: runner, rowCount: 3, length: 4).sample(first: 0, seed: 0) {
      tokens, total in
      #expect(total == 12)
      seen.append(tokens)
    }
    #expect(seen == [6, 9, 12])
    #expect(throws: PipelineError.interrupted(signal: 2)) {
      try DecoderSampler(runner: runner, rowCount: 3, length: 4).sample(first: 0, seed: 0) { _, _ in
        throw PipelineError.interrupted(signal: 2)
      }
    }
  }

  @Test("a decoder without a language-model head is told to bring data")
  func withoutHead() throws {
    let checkpoint = try Checkpoint(opening: Fixtures.path("golden/forward/gpt2-model-f16"))
    var configuration = try #require(checkpoint.configuration)
    configuration["tie_word_embeddings"] = .bool(false)
    let names = try NameMap(
      tensors: checkpoint.tensors, configuration: configuration, configurationPath: nil,
      checkpointPath: checkpoint.path)
    let runner = ModelRunner(
      graph: try Graph(names), parameters: ParameterStore(checkpoint: checkpoint, names: names))
    let error = try #require(throws: PipelineError.self) {
      try DecoderSampler(runner: runner, rowCount: 1, length: 4).sample(first: 0, seed: 0) { _, _ in
      }
    }
    #expect(
      error.description
        == "data: expected it, because this checkpoint has no language-model head to write text"
        + " with; found none")
  }
}
