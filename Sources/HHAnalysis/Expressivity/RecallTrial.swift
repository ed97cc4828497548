// One small Transformer that learns associative recall from scratch.

internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel
internal import HHTraining

/// How models learn the task; the same for every attention.
package struct RecallRecipe: Sendable, Equatable {
  /// Blocks of the model: one is enough for whoever can compare keys, since values know theirs.
  package var layers = 1
  /// Width of the hidden states.
  package var hidden = 64
  /// Attention heads.
  package var heads = 4
  /// Most optimiser steps; as many as show every sequence once.
  package var steps = 625
  /// Sequences per step.
  package var batchSize = 16
  /// Learning rates to try one after the other.
  package var rates = [0.003, 0.006]
  /// Steps between two looks at the validation sequences.
  package var interval = 25
  /// The share of right answers on the validation sequences at which a model has learnt the task.
  package var goal = 0.998
  /// Seed of the first weights and of the order of the sequences.
  package var seed: UInt64 = 0

  /// The defaults.
  package init() {}

  /// A new decoder with learned positions that is told the token before each as the token's type,
  /// embedded by the table of tokens: what the short convolutions in front of attention do in models
  /// of this task.
  ///
  /// - Throws: `FormatError` for sizes that contradict each other.
  func model(of task: AssociativeRecall) throws(FormatError) -> ModelRunner {
    let schema = try ArchitectureSchema.all().first {
      $0.kind == .decoder && $0.block.positions == "learned"
    }
    guard let schema else { preconditionFailure("no decoder has learned positions") }
    var model = NewModel(architecture: schema.architecture)
    (model.layers, model.hidden, model.heads) = (layers, hidden, heads)
    (model.vocabulary, model.positions) = (task.vocabulary, task.length)
    // The usual deviation is for a width of 768; the variance of what a product gives stays the same.
    model.deviation = schema.initializerRange * (768 / Double(hidden)).squareRoot()
    let plain = try model.runner(seed: seed)
    var graph = plain.graph
    for index in graph.nodes.indices {
      guard case .tokenEmbedding(let embedding) = graph.nodes[index].operation else { continue }
      graph.nodes[index].operation = .tokenEmbedding(
        TokenEmbedding(
          token: embedding.token, position: embedding.position, tokenType: embedding.token))
    }
    return ModelRunner(graph: graph, parameters: plain.parameters)
  }
}

/// What came of one training.
package struct RecallOutcome: Sendable, Equatable {
  /// Share of right answers on the test sequences.
  package let accuracy: Double
  /// On the validation sequences.
  package let validation: Double
  /// The highest learning rate.
  package let rate: Double
  /// Steps taken.
  package let steps: Int
}

/// Training of one attention at one learning rate.
struct RecallTrial {
  let recipe: RecallRecipe
  let rate: Double
  let runner: ModelRunner
  private let gradients: GradientRunner

  /// Makes the model; nil stands for softmax attention.
  ///
  /// - Throws: `FormatError` for sizes that contradict each other.
  init(
    _ kind: FeatureMapKind?, _ task: AssociativeRecall, _ recipe: RecallRecipe,
    rate: Double
  ) throws {
    (self.recipe, self.rate) = (recipe, rate)
    let softmax = try recipe.model(of: task)
    runner = kind.map { softmax.rewritten(LinearAttentionSettings($0)) } ?? softmax
    let parameters = try TrainableParameters(
      of: runner, trained: .everything, reaching: .maskedTokens)
    gradients = GradientRunner(model: runner, parameters: parameters)
    gradients.logitPositions = recipe.batchSize * task.length
  }

  /// Trains until the goal or the last step; `progress` is told steps and validation accuracy.
  ///
  /// - Returns: Validation accuracy and steps, or nil where a loss or a gradient was not a number.
  /// - Throws: What `progress` throws, and `FormatError`.
  func train(
    _ training: RecallSequences, validation: RecallSequences,
    progress: (_ step: Int, _ accuracy: Double) throws -> Void
  ) throws -> (accuracy: Double, steps: Int)? {
    let parameters = gradients.parameters
    let buffers = parameters.all.map(\.gradient)
    let optimizer = AdamW(parameters.all.map(\.value))
    let schedule = Schedule(
      peak: rate, decay: .cosine, warmUpSteps: min(50, recipe.steps / 10), steps: recipe.steps)
    var sampler = BatchSampler(
      rowCount: training.count, generator: SeededGenerator(seed: recipe.seed).split("recall"))
    for step in 0..<recipe.steps {
      let (input, objective) = training.batch(sampler.next(recipe.batchSize))
      parameters.clearGradients()
      let loss = try gradients.lossAndGradients(input, objective)
      let norm = HHCompute.norm(buffers)
      guard loss.mean.isFinite && norm.isFinite else { return nil }
      optimizer.step(
        gradients: buffers, rate: schedule.rate(step: step),
        gradientScale: clippingScale(norm: norm, limit: 1))
      let done = step + 1
      guard done.isMultiple(of: recipe.interval) || done == recipe.steps else { continue }
      let accuracy = try validation.accuracy(of: runner)
      try progress(done, accuracy)
      if accuracy >= recipe.goal || done == recipe.steps { return (accuracy, done) }
    }
    return nil
  }
}
