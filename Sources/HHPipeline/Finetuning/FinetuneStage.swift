// Stage 2: training a converted model on a task, or to match its teacher.

internal import HHCompute
internal import HHFormat

/// What finetuning reached.
package struct FinetuneResult {
  /// The trained parameters; the model holds their values.
  package let parameters: TrainableParameters
  /// What the model was trained to do.
  package let objective: ObjectiveKind
  /// Loss on held-out rows before the first step.
  package let lossBefore: Double
  /// The same after the last step.
  package let lossAfter: Double
  /// The unconverted model's loss on the same rows; nil where the loss is a distance from it.
  package let teacherLoss: Double?
  /// Steps that were taken.
  package let steps: Int
  /// Training positions seen.
  package let tokens: Int
  /// Training positions per second.
  package let tokensPerSecond: Double
}

/// Finetuning of a Hedgehog model.
package struct FinetuneStage {
  private let student: ModelRunner
  private let teacher: ModelRunner
  private let recipe: FinetuneRecipe
  private let batchSize: Int

  /// Prepares to train `student`, whose weights change in place.
  ///
  /// - Parameters:
  ///   - student: The converted model, with weights of its own.
  ///   - teacher: The unconverted model.
  ///   - recipe: How to train.
  ///   - batchSize: Rows per batch where the recipe does not say.
  package init(
    student: ModelRunner, teacher: ModelRunner, recipe: FinetuneRecipe, batchSize: Int
  ) {
    self.student = student
    self.teacher = teacher
    self.recipe = recipe
    self.batchSize = recipe.batchSize ?? batchSize
  }

  /// Trains on `training` and measures on `heldOut`.
  ///
  /// - Throws: `PipelineError.finetuningDiverged` where a loss or gradient is not a number; the
  ///   student then has the weights of the last measurement. What `report` throws is thrown on.
  package func run(training: LabelledRows, heldOut: LabelledRows, report: ProgressReport) throws
    -> FinetuneResult
  {
    let kind = try recipe.objective(for: student.graph, isLabelled: training.labels != nil)
    if kind == .classes { try checkLabels(training, heldOut) }
    let parameters = try TrainableParameters(
      of: student, choice: recipe.choice, reaching: kind, seed: recipe.seed)
    guard parameters.count > 0 else {
      throw PipelineError.invalidOption(
        name: "--lora", problem: "expected parameters to train, found none")
    }
    let runner = GradientRunner(model: student, parameters: parameters)
    runner.recomputesBlocks = recipe.recomputesBlocks
    let teacherLoss = try lossOfTeacher(heldOut, kind)
    let before = try measure(runner, heldOut, kind)
    var training = Training(
      recipe: recipe, batchSize: batchSize, kind: kind, teacher: teacher, rows: training,
      runner: runner, measurement: before)
    var after = before
    let clock = Stopwatch()
    var sinceReport = Stopwatch()
    for step in 0..<recipe.steps {
      let progress = try training.step(step, isFirstReport: step == 0, clock: clock)
      if step == 0 || (step + 1).isMultiple(of: 10) || sinceReport.seconds > 0.5 {
        sinceReport = Stopwatch()
        try report(.finetuneStep(progress))
      }
      if (step + 1).isMultiple(of: training.measuringInterval) || step == recipe.steps - 1 {
        after = try measure(runner, heldOut, kind)
        try training.take(measurement: after, step: step)
      }
    }
    let seconds = max(clock.seconds, 1e-9)
    return FinetuneResult(
      parameters: parameters, objective: kind, lossBefore: before, lossAfter: after,
      teacherLoss: teacherLoss, steps: recipe.steps, tokens: training.tokens,
      tokensPerSecond: Double(training.tokens) / seconds)
  }

  /// Mean loss over rows, some at a time.
  private func measure(_ runner: GradientRunner, _ rows: LabelledRows, _ kind: ObjectiveKind)
    throws -> Double
  {
    var total = LossSum()
    for start in stride(from: 0, to: rows.count, by: batchSize) {
      let part = rows.rows(Array(start..<min(rows.count, start + batchSize)))
      let objective = part.objective(kind, teacher: teacher, temperature: recipe.temperature)
      total.add(try runner.loss(part.input, objective))
    }
    return total.mean
  }

  private func lossOfTeacher(_ rows: LabelledRows, _ kind: ObjectiveKind) throws -> Double? {
    guard kind == .nextToken || kind == .classes else { return nil }
    let none = try TrainableParameters(
      of: teacher, choice: TrainableChoice(weights: false, maps: false), reaching: kind)
    let loss = try measure(GradientRunner(model: teacher, parameters: none), rows, kind)
    teacher.parameters.release()
    return loss
  }

  private func checkLabels(_ rows: LabelledRows...) throws {
    let count = student.graph.classifier?.classifier.outputs ?? 0
    for row in rows.flatMap({ $0.labels ?? [] }) where !(0..<count).contains(Int(row)) {
      throw PipelineError.invalidOption(
        name: "--data",
        problem: "expected labels from 0 to \(count - 1), as the model's head has them,"
          + " found \(row)")
    }
  }
}

/// The state of a training run between steps.
private struct Training {
  let recipe: FinetuneRecipe
  let batchSize: Int
  let kind: ObjectiveKind
  let teacher: ModelRunner
  let rows: LabelledRows
  let runner: GradientRunner
  let measuringInterval: Int
  private let optimizer: AdamW
  private let schedule: Schedule
  private var sampler: BatchSampler
  private var plateau: Plateau?
  /// The values of the last measurement that was a number.
  private let lastGood: [FloatBuffer]
  private var lastGoodStep = 0
  private(set) var tokens = 0

  init(
    recipe: FinetuneRecipe, batchSize: Int, kind: ObjectiveKind, teacher: ModelRunner,
    rows: LabelledRows, runner: GradientRunner, measurement: Double
  ) {
    (self.recipe, self.batchSize, self.kind) = (recipe, batchSize, kind)
    (self.teacher, self.rows, self.runner) = (teacher, rows, runner)
    let values = runner.parameters.all.map(\.value)
    optimizer = AdamW(values, options: .init(weightDecay: recipe.weightDecay))
    let decay = Schedule.Decay(rawValue: recipe.decay.rawValue) ?? .constant
    schedule = Schedule(
      peak: recipe.learningRate, decay: decay, warmUpSteps: recipe.warmUpSteps,
      steps: recipe.steps)
    sampler = BatchSampler(
      rowCount: rows.count, generator: SeededGenerator(seed: recipe.seed).split("finetune"))
    if recipe.decay == .plateau {
      var plateau = Plateau(factor: recipe.plateau.factor, patience: recipe.plateau.patience)
      plateau.observe(measurement)
      self.plateau = plateau
    }
    measuringInterval = recipe.decay == .plateau ? recipe.plateau.interval : max(1, recipe.steps)
    lastGood = values.map { value in
      let buffer = FloatBuffer(count: value.count)
      copy(value, to: buffer)
      return buffer
    }
  }

  /// One optimiser step.
  mutating func step(_ step: Int, isFirstReport: Bool, clock: Stopwatch) throws
    -> FinetuneProgress
  {
    let parameters = runner.parameters
    parameters.clearGradients()
    var loss = LossSum()
    let batches = (0..<recipe.accumulation).map { _ in rows.rows(sampler.next(batchSize)) }
    let divisor =
      batches.count == 1
      ? nil : batches.reduce(0) { $0 + runner.termCount($1.input, objective(of: $1)) }
    for (index, batch) in batches.enumerated() {
      runner.dropoutKey = UInt32(
        truncatingIfNeeded: (recipe.seed &+ UInt64(step)) &* 0x9E37_79B9_7F4A_7C15
          &+ UInt64(index))
      loss.add(
        try runner.lossAndGradients(batch.input, objective(of: batch), divisor: divisor))
      tokens += batch.count * runner.model.length(of: batch.input)
    }
    let gradients = parameters.all.map(\.gradient)
    let norm = HHCompute.norm(gradients)
    guard loss.mean.isFinite && norm.isFinite else {
      throw try diverged(step, batches.last)
    }
    let scheduled = schedule.rate(step: step)
    let rate =
      plateau.map { max($0.scale * scheduled, min(scheduled, recipe.plateau.minimum)) }
      ?? scheduled
    optimizer.step(
      gradients: gradients, rate: rate,
      gradientScale: clippingScale(norm: norm, limit: recipe.clipping))
    let seconds = clock.seconds
    return FinetuneProgress(
      step: step + 1, steps: recipe.steps, loss: loss.mean, gradientNorm: norm, rate: rate,
      tokensPerSecond: Double(tokens) / max(seconds, 1e-9),
      secondsLeft: seconds * (Double(recipe.steps) / Double(step + 1) - 1))
  }

  /// Takes a held-out loss in: the rate may depend on it, and its weights are good to go back to.
  mutating func take(measurement: Double, step: Int) throws {
    guard measurement.isFinite else { throw try diverged(step, nil) }
    plateau?.observe(measurement)
    lastGoodStep = step + 1
    for (parameter, buffer) in zip(runner.parameters.all, lastGood) {
      copy(parameter.value, to: buffer)
    }
  }

  private func objective(of rows: LabelledRows) -> Objective {
    rows.objective(kind, teacher: teacher, temperature: recipe.temperature)
  }

  /// Finds out where numbers stop, restores the last good weights and says so.
  private func diverged(_ step: Int, _ batch: LabelledRows?) throws -> PipelineError {
    let layer = try batch.flatMap { try runner.firstNonFiniteLayer($0.input) }
    for (parameter, buffer) in zip(runner.parameters.all, lastGood) {
      copy(buffer, to: parameter.value)
    }
    return .finetuningDiverged(layer: layer, step: step + 1, goodStep: lastGoodStep)
  }
}

/// Where finetuning stands.
package struct FinetuneProgress: Sendable, Equatable {
  /// Steps taken.
  package let step: Int
  package let steps: Int
  /// Loss of the step's batch.
  package let loss: Double
  /// Length of the gradient before clipping.
  package let gradientNorm: Double
  /// Learning rate of the step.
  package let rate: Double
  /// Training positions per second.
  package let tokensPerSecond: Double
  /// Estimated seconds until the stage ends.
  package let secondsLeft: Double
}
