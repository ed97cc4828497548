// Small models that learn to recall, and the table of what feature maps can express.

import Glibc
import HHCompute
import HHFormat
import Testing

@testable import HHAnalysis
@testable import HHData
@testable import HHModel
@testable import HHTraining

@Suite("Expressivity")
struct ExpressivityTests {
  /// A task and a training of a second or two.
  private func options(_ maps: [FeatureMapKind]) -> ExpressivityOptions {
    var options = ExpressivityOptions(threads: ThreadPolicy.threads)
    (options.task.vocabulary, options.task.length) = (8, 16)
    (options.task.trainingCount, options.task.testCount) = (2_000, 200)
    options.recipe.steps = 400
    (options.recipe.rates, options.recipe.interval) = ([0.003], 20)
    options.maps = maps
    return options
  }

  @Test("what takes more memory than there is is refused before it is made")
  func memory() throws {
    var options = options([])
    #expect((1e6...1e9).contains(options.memory))
    options.task.length = 1 << 20
    let error = #expect(throws: PipelineError.self) { try Expressivity(options) }
    #expect(error?.description.hasPrefix("length or vocabulary: expected work that") == true)
  }

  @Test("the loss is that of the answers alone")
  func loss() throws {
    let options = options([])
    let (task, recipe) = (options.task, options.recipe)
    let runner = try recipe.model(of: task)
    let (input, objective) = task.sequences(.validation).batch(0..<5)
    let logits = try #require(try runner.outputs(for: input).logits)
    guard case .maskedTokens(let labels) = objective else {
      Issue.record("answers are labels of positions")
      return
    }
    var (sum, count) = (0.0, 0)
    for (position, label) in labels.enumerated() where label >= 0 {
      let scores = logits.rows(position..<position + 1).values.map(Double.init)
      sum += log(scores.reduce(0) { $0 + exp($1) }) - scores[Int(label)]
      count += 1
    }
    let parameters = try TrainableParameters(
      of: runner, trained: .everything, reaching: .maskedTokens)
    let gradients = GradientRunner(model: runner, parameters: parameters)
    let found = try gradients.lossAndGradients(input, objective)
    #expect(found.count == count && count == 5)
    #expect(abs(found.mean - sum / Double(count)) < 1e-5)
    // What comes before decides; the answer itself and what comes after do not.
    guard case .tokens(let batch) = input else { return }
    var ids = batch.ids
    ids[15] = ids[15] == 4 ? 5 : 4
    let changed = ModelInput.tokens(
      TokenBatch(ids: ids, length: batch.length, tokenTypes: batch.tokenTypes))
    #expect(try abs(gradients.loss(changed, objective).mean - found.mean) < 1e-6)
  }

  @Test("softmax and Hedgehog learn a small task, and every row has its figures")
  func learns() throws {
    let options = options([.splitSoftmax, .elu])
    var rows: [ExpressivityRow] = []
    var steps: [Int] = []
    try Expressivity(options).run {
      if $0.kind == nil { steps.append($0.step) }
    } report: {
      rows.append($0)
    }
    #expect(rows.map(\.kind) == [nil, .splitSoftmax, .elu])
    let recall = rows.compactMap(\.recall)
    #expect(recall.count == 3)
    #expect(steps == (1...steps.count).map { 20 * $0 } && steps.last == recall[0].steps)
    for row in recall.prefix(2) { #expect(row.accuracy > 0.9 && row.rate == 0.003) }
    let means = rows.map(\.attention.mean)
    #expect(abs(means[0].divergence) < 1e-6 && means[0].monotonicity > 0.999)
    #expect(means[0].entropy == means[0].teacherEntropy)
    #expect(means.allSatisfy { abs($0.teacherEntropy - means[0].entropy) < 1e-6 })
    #expect(means[1].divergence > 0 && means[1].divergence < means[2].divergence)
    #expect(abs(means[1].entropy - means[0].entropy) < abs(means[2].entropy - means[0].entropy))
  }

  @Test("the rate that does best on validation counts, and one that diverges does not")
  func rates() throws {
    var options = options([])
    options.recipe.steps = 40
    options.recipe.rates = [1e30, 1e-6, 0.003]
    var rows: [ExpressivityRow] = []
    var tried: Set<Double> = []
    try Expressivity(options).run {
      tried.insert($0.rate)
    } report: {
      rows.append($0)
    }
    #expect(rows.first?.recall?.rate == 0.003)
    #expect(tried.isSuperset(of: [1e-6, 0.003]))
    options.recipe.rates = [1e30]
    #expect(throws: PipelineError.self) {
      try Expressivity(options).run { _ in
      } report: { _ in
      }
    }
  }

  @Test("the same seed gives the same table")
  func seeds() throws {
    var options = options([.rectifiedProjection])
    (options.recipe.steps, options.task.testCount) = (20, 20)
    func rows() throws -> [ExpressivityRow] {
      var rows: [ExpressivityRow] = []
      try Expressivity(options).run { _ in
      } report: {
        rows.append($0)
      }
      return rows
    }
    let once = try rows()
    #expect(try rows() == once)
    options.task.seed = 1
    #expect(try rows() != once)
  }

  @Test("sizes that make no task are refused")
  func errors() throws {
    var options = options([])
    options.task.length = 7
    #expect(throws: PipelineError.self) { try Expressivity(options) }
  }
}
