// What a diagnosis says of models whose attention is known.

import Glibc
import HHCompute
import HHData
import HHFormat
import HHModel
import HHTestSupport
import HHTraining
import ModelTestSupport
import Testing

@testable import HHAnalysis
@testable import HHPipeline

@Suite("Diagnosis")
struct DiagnosisTests {
  @Test("statistics of a head are the means over its queries")
  func statistics() {
    var head = HeadStatistics()
    head.add(teacher: [1], model: [1], products: [0.3])
    #expect(head.entropy == 0 && head.monotonicity == 0)
    head.add(teacher: [0.5, 0.5], model: [0.25, 0.75], products: [1, 2])
    #expect(abs(head.teacherEntropy - log(2)) < 1e-7)
    #expect(abs(head.divergence - 0.5 * (log(2) + log(2.0 / 3))) < 1e-7)
    head.add(teacher: [0.2, 0.3, 0.5], model: [0.5, 0.3, 0.2], products: [1, 2, 3])
    #expect(abs(head.monotonicity + 1) < 1e-12)
    head.add(teacher: [0.2, 0.3, 0.5], model: [0, 0.4, 0.6], products: [1, 2, 3])
    #expect(abs(head.monotonicity) < 1e-12)
    #expect(head.divergence.isFinite && head.divergence > 1)
    // Equal weights have no order.
    head.add(teacher: [0.2, 0.3, 0.5], model: [0.3, 0.3, 0.3], products: [1, 2, 3])
    #expect(abs(head.monotonicity) < 1e-12)
    #expect(HeadStatistics.mean([head, HeadStatistics()]).entropy == head.entropy / 2)
  }

  @Test("unit vectors read off the weights of softmax", arguments: ["gpt2-base", "llama-gqa"])
  func weights(_ name: String) throws {
    let runner = try Models.golden(name)
    let input = try Models.input(name).rows(0..<1)
    let hidden = Matrix(rows: runner.length(of: input), columns: runner.graph.hiddenSize)
    let state = try runner.embed(input, into: hidden)
    let attention = try #require(runner.graph.attentions.first)
    let projected = try runner.project(attention, state)
    let weights = AttentionWeights(attention, projected, length: state.length) {
      runner.attend(attention, $0, state, layer: 0)
    }
    let size = attention.headSize
    for head in 0..<attention.headCount {
      let keyHead = head * attention.keyValueHeadCount / attention.headCount
      for query in 0..<state.length {
        let scores = (0...query).map { key in
          (0..<size).reduce(0.0) {
            $0 + Double(projected.query[query, head * size + $1])
              * Double(projected.key[key, keyHead * size + $1])
          } * Double(attention.scale)
        }
        let top = scores.max() ?? 0
        let total = scores.reduce(0) { $0 + exp($1 - top) }
        let row = weights.row(head: head, query: query, visible: query + 1)
        for (score, weight) in zip(scores, row) {
          #expect(abs(exp(score - top) / total - Double(weight)) < 1e-5)
        }
        let start = query * state.length
        let hidden = weights.values[head][start + query + 1..<start + state.length]
        #expect(hidden.allSatisfy { $0 == 0 })
      }
    }
  }

  @Test(
    "every architecture is looked at, and training brings its weights nearer to softmax",
    arguments: ["gpt2", "llama", "bert", "vit"])
  func models(_ model: String) throws {
    var options = DiagnosisOptions(
      model: Fixtures.path("models/\(model)"), threads: ThreadPolicy.threads)
    options.rowLimit = 2
    if model != "vit" { options.length = 24 }
    let before = try Diagnosis(options).run { _ in }
    #expect(before.map(\.layer) == [0, 1, 2])
    for layer in before {
      let mean = layer.mean
      #expect(mean.teacherEntropy > 0 && mean.entropy > mean.teacherEntropy)
      #expect(mean.divergence > 0 && layer.outputError > 0)
      #expect((0.3...1).contains(mean.monotonicity))
    }
    let directory = try TemporaryDirectory()
    var conversion = ConversionOptions(model: options.model, threads: ThreadPolicy.threads)
    conversion.output = directory.path("out")
    conversion.distillation.steps = 30
    conversion.length = options.length
    _ = try Conversion(conversion).run { _ in }
    options.model = directory.path("out")
    let after = try Diagnosis(options).run { _ in }
    func mean(_ layers: [LayerDiagnosis], _ value: (HeadStatistics) -> Double) -> Double {
      layers.reduce(0) { $0 + value($1.mean) } / 3
    }
    #expect(mean(after) { $0.divergence } < mean(before) { $0.divergence })
    #expect(mean(after) { $0.entropy } < mean(before) { $0.entropy })
    #expect(
      abs(mean(after) { $0.teacherEntropy } - mean(before) { $0.teacherEntropy }) < 1e-6)
  }

  @Test(
    "maps beside each other, each distilled against the same softmax", arguments: ["gpt2", "vit"])
  func maps(_ model: String) throws {
    var options = DiagnosisOptions(
      model: Fixtures.path("models/\(model)"), threads: ThreadPolicy.threads)
    options.rowLimit = 2
    if model != "vit" { options.length = 24 }
    func rows(_ maps: [FeatureMapKind], steps: Int) throws -> [MapDiagnosis] {
      (options.maps, options.steps) = (maps, steps)
      var rows: [MapDiagnosis] = []
      try Diagnosis(options).compareMaps { _ in
      } report: {
        rows.append($0)
      }
      return rows
    }
    let fresh = try rows([.splitSoftmax, .elu], steps: 1)
    let trained = try rows([.splitSoftmax, .elu], steps: 40)
    #expect(trained.map(\.kind) == [nil, .splitSoftmax, .elu])
    #expect(trained[0].mean.divergence < 1e-6 && trained[0].mean.monotonicity > 0.999)
    #expect(trained[0].outputError < 1e-9 && trained[0].layers.count == 3)
    #expect(trained[1].mean.divergence < fresh[1].mean.divergence)
    #expect(trained[2].mean.divergence > trained[1].mean.divergence)
  }
}
