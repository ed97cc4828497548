// Stage 1: training feature maps to mimic the teacher's attention weights, layer by layer.

package import HHCompute
package import HHData
package import HHFormat
package import HHModel

/// Attention-weight distillation of every block of a softmax model.
///
/// Layers are trained one after the other from the teacher's hidden states; no gradient crosses
/// from one to the next, so each layer's result is what it would be in a joint run.
package struct DistillationStage {
  /// Checkpoints of a run: the layers that are trained, and the state of the one in training.
  package struct Checkpointing {
    /// Steps between two checkpoints.
    let interval: Int
    /// Layers that an earlier run of the same settings has trained.
    let finished: [Int: FinishedLayer]
    /// The state of the next layer, where its training had begun, and the numbers that go with it.
    let begun: (checkpoint: RunCheckpoint, numbers: JSONObject)?
    /// Writes a checkpoint: the trained layers, the steps per layer that the budget allows, and the
    /// state of the layer in training.
    let save: (_ layers: [Int: FinishedLayer], _ steps: Int, _ begun: RunState?) throws -> Void

    /// Creates it from its members.
    package init(
      interval: Int, finished: [Int: FinishedLayer],
      begun: (checkpoint: RunCheckpoint, numbers: JSONObject)?,
      save:
        @escaping (_ layers: [Int: FinishedLayer], _ steps: Int, _ begun: RunState?) throws ->
        Void
    ) {
      (self.interval, self.finished, self.begun, self.save) = (interval, finished, begun, save)
    }
  }

  private let runner: ModelRunner
  private let plan: RewritePlan
  private let learnt: [Int: FeatureMaps]
  private let recipe: TrainingPlan
  private let space: SpillSpace
  /// About how many positions of held-out rows run at a time.
  private static let chunk = 4096

  /// Prepares to train the maps of a plan against the model of a runner; hidden states and what is
  /// computed from them lie in `space`. Maps that have `learnt` something already go on from there.
  package init(
    runner: ModelRunner, plan: RewritePlan, learnt: [Int: FeatureMaps] = [:], recipe: TrainingPlan,
    space: SpillSpace = .memory
  ) {
    self.space = space
    self.runner = runner
    self.plan = plan
    self.learnt = learnt
    self.recipe = recipe
  }

  /// Trains on `training` and measures on `heldOut`; both are whole rows of one length.
  ///
  /// - Parameters:
  ///   - training: Rows to train on.
  ///   - heldOut: Rows to measure on.
  ///   - report: Called with each event of the training.
  /// - Returns: What was reached.
  /// - Throws: `PipelineError.diverged` for a loss that is not a number, what `report` throws, and
  ///   `FormatError` for weights that cannot be read.
  package func run(
    training: ModelInput, heldOut: ModelInput, report: ProgressReport
  ) throws -> DistillationResult {
    try run(training: training, heldOut: heldOut, checkpointing: nil, report: report)
  }

  /// The same with checkpoints, after every layer and within one at a `CheckpointPace`; with
  /// `keepingStates`, rows pass the last block too, and the result has their states.
  package func run(
    training: ModelInput, heldOut: ModelInput, checkpointing: Checkpointing?,
    keepingStates: Bool = false, report: ProgressReport
  ) throws -> DistillationResult {
    // Rows run in the batches of the steps, since products of other sizes may round differently.
    let train = try HiddenStates(
      training, runner, rowsPerChunk: recipe.batchSize, space: space)
    let held = try HiddenStates(
      heldOut, runner, rowsPerChunk: max(1, Self.chunk / runner.length(of: heldOut)),
      space: space)
    runner.parameters.release()
    let clock = Stopwatch()
    var pace = DistillationPace()
    var steps = recipe.steps
    var finished = checkpointing?.finished ?? [:]
    var passed: Set<Int> = []
    func save(_ begun: RunState?) throws { try checkpointing?.save(finished, steps, begun) }
    for layer in 0..<runner.graph.layerCount {
      guard
        let teacher = TeacherLayer(
          runner, layer: layer, givesValues: recipe.factors.outputs > 0)
      else { continue }
      let isLast = layer == runner.graph.layerCount - 1
      let advancing = !isLast || keepingStates
      let opening = Stopwatch()
      let heldBatches = try held.chunks.map { rows in
        let queryKey = try held.queryKey(teacher, rows: rows, advancing: !isLast)
          .copied(into: space)
        queryKey.evict()
        return queryKey
      }
      let openingSeconds = opening.seconds
      guard let block = plan.blocks.first(where: { $0.layer == layer }) else {
        if advancing { try train.advance(teacher) }
        continue
      }
      if let budget = recipe.budget, recipe.steps > 0, finished.isEmpty {
        steps = try affordableSteps(train, teacher, block, budget: budget)
      }
      let schedule = BatchSchedule(
        rowCount: train.rowCount, batchSize: recipe.batchSize, steps: steps, seed: recipe.seed)
      passed = Set(schedule.order)
      guard finished[layer] == nil else {
        if advancing { try train.advance(teacher, batchesOf: schedule) }
        continue
      }
      var student = student(block, teacher)
      let measuring = Stopwatch()
      let before = measure(student, heldBatches)
      // The held-out rows are measured a second time when the layer is trained.
      pace.addLayer(seconds: openingSeconds + 2 * measuring.seconds)
      guard heldBatches.allSatisfy(\.isFinite) else {
        if advancing { try train.advance(teacher, batchesOf: schedule) }
        try report(
          .warning(
            """
            layer \(layer): the teacher's own queries or keys are not finite, so its feature maps \
            stay untrained
            """))
        finished[layer] = FinishedLayer(
          result: DistilledLayer(layer: layer, klBefore: .nan, klAfter: .nan, klPerHead: []),
          maps: student.maps, steps: 0)
        try save(nil)
        continue
      }
      guard student.isTrained else {
        // A map without parameters has nothing to train.
        if advancing { try train.advance(teacher, batchesOf: schedule) }
        let result = DistilledLayer(
          layer: layer, klBefore: before.mean, klAfter: before.mean, klPerHead: before.perHead)
        finished[layer] = FinishedLayer(result: result, maps: student.maps, steps: 0)
        try save(nil)
        try report(.layerFinished(result, of: runner.graph.layerCount))
        continue
      }
      var training = LayerTraining(
        student, teacher, train, schedule, recipe: recipe, space: space, advancing: advancing,
        pace: pace)
      if let (checkpoint, numbers) = checkpointing?.begun {
        try training.restore(numbers, checkpoint)
      }
      let layersLeft = plan.blocks.count { $0.layer > layer && finished[$0.layer] == nil }
      try self.train(
        &training, on: heldBatches, later: training.whole * layersLeft, clock,
        every: checkpointing?.interval, save: { try save($0) }, report: report)
      pace = training.pace
      var after = measure(student, heldBatches)
      guard after.loss.isFinite, after.mean.isFinite, student.isFinite else {
        throw PipelineError.diverged(
          layer: layer, step: training.step, rate: recipe.settings.key(\.learningRate))
      }
      if after.loss > before.loss {
        let (from, to) = (Format.fixed(before.loss, 4), Format.fixed(after.loss, 4))
        // A rise of rounding alone, as where rows fit into a window, is none to tell of.
        if from != to {
          try report(
            .warning(
              """
              layer \(layer): training raised its \(recipe.factors.outputs > 0 ? "loss" : "KL") from \
              \(from) to \(to), so its feature maps stay as they were; try a lower \
              \(recipe.settings.key(\.learningRate))
              """))
        }
        student = self.student(block, teacher)
        // Untrained features must not weigh far keys as much as a window's start would let them.
        if let first = heldBatches.first { student.begin(first, stepCount: 0) }
        after = measure(student, heldBatches)
      }
      let result = DistilledLayer(
        layer: layer, klBefore: before.mean, klAfter: after.mean, klPerHead: after.perHead)
      finished[layer] = FinishedLayer(result: result, maps: student.maps, steps: training.step)
      runner.parameters.release()
      try save(nil)
      try report(.layerFinished(result, of: runner.graph.layerCount))
    }
    if !finished.isEmpty, finished.values.allSatisfy({ $0.result.klAfter.isNaN }) {
      throw PipelineError.notFinite
    }
    var result = DistillationResult(
      finished, tokensPerStep: min(recipe.batchSize, train.rowCount) * train.length)
    if keepingStates { result.passed = TeacherStates(states: train.states, batches: passed) }
    return result
  }

  /// Trains one layer until its steps are taken or its held-out loss ends it early. After every
  /// `interval` steps or some minutes `save` writes a checkpoint; `later` is the work of the layers
  /// after this one, from which the time that is left is estimated.
  private func train(
    _ training: inout LayerTraining, on heldOut: [LayerQKV], later: DistillationPace.Work,
    _ clock: Stopwatch, every interval: Int?, save: (RunState) throws -> Void,
    report: ProgressReport
  ) throws {
    func keep() throws {
      // The loss of a step may be a number although the parameters after it no longer are.
      guard training.student.isFinite else {
        throw PipelineError.diverged(
          layer: training.layer, step: training.step, rate: recipe.settings.key(\.learningRate))
      }
      try save(training.state)
    }
    var pace = interval.map { CheckpointPace(steps: $0) }
    var sinceReport = Stopwatch()
    while !training.isDone {
      // Slow steps report one by one, so that a user who interrupts them does not wait for ten.
      // Measuring costs a logarithm and changes no gradient.
      let measuring =
        training.step.isMultiple(of: 10) || training.isLastStep || sinceReport.seconds > 0.5
      let loss = try training.advance(measuring: measuring)
      guard loss.loss.isFinite else {
        throw PipelineError.diverged(
          layer: training.layer, step: training.step - 1, rate: recipe.settings.key(\.learningRate))
      }
      if training.isMeasured {
        let measured = measure(training.student, heldOut)
        training.record(measurement: measured.loss)
        try report(
          .measured(
            Measurement(
              stage: "distil", layer: training.layer, step: training.step, loss: measured.loss,
              perHead: measured.perHead)))
      }
      let isSaved = pace?.isDue(after: training.step) ?? false
      if isSaved, !training.isDone { try keep() }
      guard measuring else { continue }
      sinceReport = Stopwatch()
      let tokensPerStep = min(recipe.batchSize, training.rowCount) * training.length
      let left = training.left + later
      let secondsLeft = training.pace.seconds(for: left)
      let stepCount = Double(training.pace.done.steps + left.steps) / Double(plan.blocks.count)
      do {
        try report(
          .step(
            StepProgress(
              layer: training.layer, layerCount: runner.graph.layerCount, step: training.step,
              steps: training.stepCount, loss: loss.loss,
              tokensPerSecond: Double(tokensPerStep) * stepCount / (clock.seconds + secondsLeft),
              secondsLeft: secondsLeft)))
      } catch {
        // A run that is interrupted here can be resumed from here.
        if !isSaved { try keep() }
        throw error
      }
    }
    try training.finish { measure(training.student, heldOut).loss }
  }

  private func student(_ block: RewritePlan.Block, _ teacher: TeacherLayer) -> LayerStudent {
    LayerStudent(
      block, learnt: learnt[block.layer], scale: teacher.attention.scale, recipe: recipe)
  }

  /// How many steps per layer fit a budget in seconds, from the time of two trial steps.
  private func affordableSteps(
    _ train: HiddenStates, _ teacher: TeacherLayer, _ block: RewritePlan.Block, budget: Double
  ) throws -> Int {
    let student = student(block, teacher)
    var seconds = 0.0
    for _ in 0..<2 {
      let trial = Stopwatch()
      let rows = 0..<min(recipe.batchSize, train.rowCount)
      let scratch = train.copy(of: rows)
      let queryKey = try scratch.queryKey(teacher, rows: 0..<rows.count, advancing: true)
      let sample = recipe.settings.sample(
        step: 0, of: queryKey.shape, headSize: teacher.attention.headSize)
      _ = student.step(queryKey, sample: sample, rate: 0, measuring: true)
      seconds = trial.seconds
    }
    let affordable = budget / (seconds * Double(plan.blocks.count))
    return Int(max(1, min(Double(recipe.steps), affordable)))
  }

  /// What held-out rows measure, over batches.
  private func measure(_ student: LayerStudent, _ batches: [LayerQKV]) -> HeldOutLoss {
    var perHead = [Double](repeating: 0, count: batches.first?.shape.queryHeads ?? 0)
    var loss = 0.0
    let queries = batches.reduce(0) { $0 + $1.shape.validPositions }
    for batch in batches {
      let weight = Double(batch.shape.validPositions) / Double(max(1, queries))
      defer { batch.evict() }
      let measured = student.measure(batch)
      loss += weight * measured.reducibleLoss
      for (head, divergence) in measured.divergence.enumerated() {
        perHead[head] += weight * divergence
      }
    }
    return HeldOutLoss(
      loss: loss, mean: perHead.reduce(0, +) / Double(max(1, perHead.count)), perHead: perHead)
  }
}

/// How far a student is from its teacher on held-out rows.
private struct HeldOutLoss {
  /// What training makes smaller, without the part that no student can change.
  let loss: Double
  /// KL divergence of attention weights, the mean over heads.
  let mean: Double
  /// The same per query head.
  let perHead: [Double]
}
