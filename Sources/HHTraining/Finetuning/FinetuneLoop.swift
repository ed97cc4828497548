// The state of a finetuning run between steps, and one step of it.

internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel

/// A finetuning run: parameters, optimiser, order of rows and learning rate.
struct FinetuneLoop {
  let recipe: TrainingPlan
  let runner: GradientRunner
  private let kind: ObjectiveKind
  private let teacher: Teacher?
  private let rows: LabelledRows
  let optimizer: AdamW
  var rates: RateControl
  var sampler: BatchSampler
  /// The values of the last measurement that was a number; of the best one with an early stop.
  let good: BestValues
  var goodStep = 0
  /// Steps taken.
  var step = 0
  /// Training positions seen.
  var tokens = 0
  /// Seconds that steps took, without what is measured and saved between them.
  private(set) var seconds = 0.0
  /// Steps and positions of an earlier run that this one goes on from.
  var earlier = (steps: 0, tokens: 0)

  /// Prepares the first step; `measurement` is the held-out loss before it.
  init(
    recipe: TrainingPlan, kind: ObjectiveKind, teacher: Teacher?,
    rows: LabelledRows, runner: GradientRunner, measurement: Double
  ) {
    (self.recipe, self.kind) = (recipe, kind)
    (self.teacher, self.rows, self.runner) = (teacher, rows, runner)
    let values = runner.parameters.all.map(\.value)
    optimizer = AdamW(values, options: .init(weightDecay: recipe.weightDecay))
    sampler = BatchSampler(
      rowCount: rows.count, generator: SeededGenerator(seed: recipe.seed).split("finetune"))
    rates = recipe.rates(steps: recipe.steps)
    _ = rates.observe(measurement, after: 0)
    good = BestValues(of: values)
  }

  /// Whether all steps are taken, or the held-out loss has stopped falling.
  var isDone: Bool { step >= recipe.steps || rates.isExhausted }

  /// Whether the held-out loss is wanted now.
  var isMeasured: Bool { step == recipe.steps || rates.isMeasured(after: step) }

  /// One optimiser step.
  ///
  /// - Throws: `PipelineError.finetuningDiverged` for a loss or gradient that is not a number.
  mutating func advance(clock: Stopwatch) throws -> FinetuneProgress {
    let stopwatch = Stopwatch()
    let parameters = runner.parameters
    parameters.clearGradients()
    var loss = LossSum()
    let batches = (0..<recipe.accumulation).map { index in
      let chosen = sampler.next(recipe.batchSize)
      return rows.rows(chosen).prepared(
        kind, teacher: teacher?.batch(chosen), recipe: recipe,
        place: "step \(step) batch \(index)")
    }
    let divisor =
      batches.count == 1
      ? nil : batches.reduce(0) { $0 + runner.termCount($1.input, $1.objective) }
    for (index, batch) in batches.enumerated() {
      runner.dropoutKey = UInt32(
        truncatingIfNeeded: (recipe.seed &+ UInt64(step)) &* 0x9E37_79B9_7F4A_7C15
          &+ UInt64(index))
      loss.add(
        try runner.lossAndGradients(batch.input, batch.objective, divisor: divisor))
      tokens += batch.input.rowCount * runner.model.length(of: batch.input)
    }
    let gradients = parameters.all.map(\.gradient)
    let norm = HHCompute.norm(gradients)
    guard loss.mean.isFinite && norm.isFinite else { throw try diverged(batches.last?.input) }
    let rate = rates.rate(step: step)
    optimizer.step(
      gradients: gradients, rate: rate,
      gradientScale: clippingScale(norm: norm, limit: recipe.clip ?? .infinity))
    step += 1
    seconds += stopwatch.seconds
    let (done, left) = (Double(step - earlier.steps), Double(recipe.steps - step))
    return FinetuneProgress(
      stage: teacher == nil ? "train" : "finetune", step: step, steps: recipe.steps,
      loss: loss.mean, gradientNorm: norm, rate: rate,
      tokensPerSecond: Double(tokens - earlier.tokens) / max(seconds, 1e-9),
      secondsLeft: clock.seconds * left / done)
  }

  /// Takes a held-out loss in: the rate and the end may depend on it, and its weights are good to
  /// go back to.
  mutating func record(measurement: Double) throws {
    guard measurement.isFinite else { throw try diverged(nil) }
    let isBest = rates.observe(measurement, after: step)
    guard isBest || !rates.keepsBest else { return }
    good.keep()
    goodStep = step
  }

  /// Gives the parameters the values that count in the end; whether they are others than the
  /// present ones.
  func finish() -> Bool {
    guard rates.keepsBest, goodStep < step else { return false }
    good.restore()
    return true
  }

  /// Refuses parameters that are no longer numbers.
  func requireFinite() throws(PipelineError) {
    guard runner.parameters.all.allSatisfy(\.value.isFinite) else {
      throw .finetuningDiverged(
        layer: nil, step: step, goodStep: goodStep, rate: recipe.settings.key(\.learningRate))
    }
  }

  /// Finds out where numbers stop, restores the last good weights and says so.
  private func diverged(_ batch: ModelInput?) throws -> PipelineError {
    let layer = try batch.flatMap { try runner.firstNonFiniteLayer($0) }
    good.restore()
    return .finetuningDiverged(
      layer: layer, step: step + 1, goodStep: goodStep, rate: recipe.settings.key(\.learningRate))
  }
}
