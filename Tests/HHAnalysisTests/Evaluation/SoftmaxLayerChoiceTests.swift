// Which layers keep their softmax, against the divergence of every choice.

import Foundation
import HHCompute
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHAnalysis
@testable import HHData
@testable import HHModel

@Suite("SoftmaxLayerChoice")
struct SoftmaxLayerChoiceTests {
  private let length = 48

  /// A row, and one that says its first half twice.
  private var rows: TokenBatch {
    let ids = (0..<2 * length).map { Int32($0 * $0 % 61 + $0 % 7) }
    return TokenBatch(ids: ids, length: length)
  }

  private var settings: LinearAttentionSettings {
    var settings = LinearAttentionSettings()
    settings.window = 4
    return settings
  }

  private func logProbabilities(_ row: ArraySlice<Float>) -> [Double] {
    let top = Double(row.max() ?? 0)
    var sum = 0.0
    for value in row { sum += exp(Double(value) - top) }
    return row.map { Double($0) - top - log(sum) }
  }

  /// Mean divergence of a model with softmax in some layers from one with softmax in all.
  private func divergence(
    _ teacher: ModelRunner, keeping layers: [Int], _ batch: TokenBatch
  ) throws -> Double {
    var settings = settings
    settings.softmaxLayers = layers
    let answers = try [teacher, teacher.rewritten(settings)].map { runner in
      let logits = try #require(try runner.outputs(for: .tokens(batch)).logits)
      let width = logits.columns
      return stride(from: 0, to: logits.values.count, by: width).map { start in
        logProbabilities(logits.values[start..<start + width])
      }
    }
    let sums = zip(answers[0], answers[1]).map { (p: [Double], q: [Double]) -> Double in
      var sum = 0.0
      for (a, b) in zip(p, q) { sum += exp(a) * (a - b) }
      return sum
    }
    return sums.reduce(0, +) / Double(sums.count)
  }

  @Test(
    "the first layer is the one whose softmax brings the answers nearest, and more follow it",
    arguments: ["gpt2", "llama"])
  func order(_ name: String) throws {
    let teacher = try Models.trained(name)
    let layers = Array(0..<teacher.graph.layerCount)
    let choice = try SoftmaxLayerChoice(
      teacher: teacher, maps: teacher.rewritten(settings).maps, settings: settings, rows: rows)
    var repeated = rows.ids
    repeated.replaceSubrange(length / 2..<length, with: rows.ids[0..<length / 2])
    let batch = TokenBatch(ids: repeated, length: length)
    let alone = try layers.map { try divergence(teacher, keeping: [$0], batch) }
    let best = try #require(layers.min { alone[$0] < alone[$1] })
    var shares: [Double] = []
    #expect(try choice.layers(1) { shares.append($0) } == [best])
    #expect(shares == shares.sorted() && shares.allSatisfy { 0...1 ~= $0 } && !shares.isEmpty)
    let two = try choice.layers(2) { _ in }
    #expect(two.count == 2 && two.contains(best) && two == two.sorted())
    #expect(try divergence(teacher, keeping: two, batch) < alone[best])
    #expect(try choice.layers(99) { _ in } == layers)
  }
}
