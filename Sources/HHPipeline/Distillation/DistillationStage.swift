// Stage 1: training feature maps to mimic the teacher's attention weights, layer by layer.

package import HHCompute
internal import HHFormat

/// What distillation reached in one layer.
package struct DistilledLayer: Sendable, Equatable {
  package let layer: Int
  /// Mean KL(teacher ‖ student) over held-out rows, heads and queries, in nats.
  package let klBefore: Double
  /// The same after training.
  package let klAfter: Double
  /// The same after training, per query head.
  package let klPerHead: [Double]
}

/// A layer that is trained, from which a run goes on.
package struct FinishedLayer {
  /// What was reached.
  package let result: DistilledLayer
  /// The trained maps.
  package let maps: FeatureMaps
  /// Steps that were run.
  package let steps: Int

  /// Puts a layer together.
  package init(result: DistilledLayer, maps: FeatureMaps, steps: Int) {
    (self.result, self.maps, self.steps) = (result, maps, steps)
  }
}

/// What distillation gave.
package struct DistillationResult {
  package let layers: [DistilledLayer]
  /// Trained maps by layer.
  package let maps: [Int: FeatureMaps]
  /// Steps that were run per layer, at most.
  package let steps: Int
  /// Training tokens (or image positions) seen per layer.
  package let tokens: Int

  /// Puts finished layers together.
  init(_ finished: [Int: FinishedLayer], tokensPerStep: Int) {
    layers = finished.values.map(\.result).sorted { $0.layer < $1.layer }
    maps = finished.mapValues(\.maps)
    steps = finished.values.map(\.steps).max() ?? 0
    tokens = steps * tokensPerStep
  }

  /// Maps that were not distilled.
  init(maps: [Int: FeatureMaps]) {
    (layers, self.maps, steps, tokens) = ([], maps, 0, 0)
  }

  /// Mean over layers.
  package var klBefore: Double { mean(layers.map(\.klBefore)) }
  /// Mean over layers.
  package var klAfter: Double { mean(layers.map(\.klAfter)) }
  private func mean(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
  }
}

/// Attention-weight distillation of every block of a softmax model.
///
/// Layers are trained one after the other from the teacher's hidden states; no gradient crosses
/// from one to the next, so each layer's result is what it would be in a joint run.
package struct DistillationStage {
  private let runner: ModelRunner
  private let plan: RewritePlan
  private let recipe: DistillationRecipe
  private let space: SpillSpace
  /// Positions that are projected at a time outside of training steps.
  private static let chunk = 4096

  /// Prepares to train the maps of a plan against the model that a runner runs, with hidden states
  /// and what is computed from them in `space`.
  package init(
    runner: ModelRunner, plan: RewritePlan, recipe: DistillationRecipe,
    space: SpillSpace = .memory
  ) {
    self.space = space
    self.runner = runner
    self.plan = plan
    self.recipe = recipe
  }

  /// Trains on `training` and measures on `heldOut`; both are whole rows of one length.
  ///
  /// - Parameters:
  ///   - training: Rows to train on.
  ///   - heldOut: Rows to measure on.
  ///   - finished: Layers that an earlier run of the same settings has trained.
  ///   - report: Told of progress.
  ///   - didFinish: Called with all finished layers whenever another one is, and with the steps
  ///     per layer that the budget allows.
  /// - Returns: What was reached.
  /// - Throws: `PipelineError.diverged` for a loss that is not a number, what `report` and
  ///   `didFinish` throw, and `FormatError` for weights that cannot be read.
  package func run(
    training: ModelInput, heldOut: ModelInput, finished: [Int: FinishedLayer] = [:],
    report: ProgressReport,
    didFinish: (_ layers: [Int: FinishedLayer], _ steps: Int) throws -> Void = { _, _ in }
  ) throws -> DistillationResult {
    let train = try HiddenStates(training, runner, chunk: Self.chunk, space: space)
    let held = try HiddenStates(heldOut, runner, chunk: Self.chunk, space: space)
    runner.parameters.release()
    let clock = Stopwatch()
    var steps = recipe.steps
    var finished = finished
    for layer in 0..<runner.graph.layerCount {
      guard
        let teacher = TeacherLayer(
          runner, layer: layer, givesValues: recipe.loss.outputs > 0)
      else { continue }
      let isLast = layer == runner.graph.layerCount - 1
      let heldBatches = try held.chunks.map { rows in
        let queryKey = try held.queryKey(teacher, rows: rows, advancing: !isLast)
          .copied(into: space)
        queryKey.evict()
        return queryKey
      }
      guard let block = plan.blocks.first(where: { $0.layer == layer }) else {
        try train.advance(teacher)
        continue
      }
      if let budget = recipe.budget, finished.isEmpty {
        steps = try affordableSteps(train, teacher, block, budget: budget)
      }
      let schedule = BatchSchedule(
        rowCount: train.rowCount, batchSize: recipe.batchSize, steps: steps, seed: recipe.seed)
      guard finished[layer] == nil else {
        if !isLast { try train.advance(teacher, batchesOf: schedule, visitedBy: 0..<0) }
        continue
      }
      var student = LayerStudent(block, scale: teacher.attention.scale, recipe: recipe)
      let before = measure(student, heldBatches)
      guard heldBatches.allSatisfy(\.isFinite) else {
        try train.advance(teacher, batchesOf: schedule, visitedBy: 0..<0)
        try report(
          .warning(
            "layer \(layer): the teacher's own queries or keys are not finite,"
              + " so its feature maps stay untrained"))
        finished[layer] = FinishedLayer(
          result: DistilledLayer(layer: layer, klBefore: .nan, klAfter: .nan, klPerHead: []),
          maps: student.maps, steps: 0)
        try didFinish(finished, steps)
        continue
      }
      guard student.isTrained else {
        // A map without parameters is what it is.
        if !isLast { try train.advance(teacher, batchesOf: schedule, visitedBy: 0..<0) }
        let result = DistilledLayer(
          layer: layer, klBefore: before.mean, klAfter: before.mean, klPerHead: before.perHead)
        finished[layer] = FinishedLayer(result: result, maps: student.maps, steps: 0)
        try didFinish(finished, steps)
        try report(.layerFinished(result, of: runner.graph.layerCount))
        continue
      }
      let taken = try trainLayer(
        student, teacher, train, schedule, advancing: !isLast, clock, report
      ) { measure(student, heldBatches) }
      var after = measure(student, heldBatches)
      guard after.loss.isFinite, after.mean.isFinite, student.isFinite else {
        throw PipelineError.diverged(layer: layer, step: taken)
      }
      if after.loss > before.loss {
        try report(
          .warning(
            "layer \(layer): training raised its \(recipe.loss.outputs > 0 ? "loss" : "KL") from"
              + " \(fixed(before.loss, 4)) to \(fixed(after.loss, 4)), so its feature maps stay untrained; try a lower --lr"
          ))
        student = LayerStudent(block, scale: teacher.attention.scale, recipe: recipe)
        after = before
      }
      let result = DistilledLayer(
        layer: layer, klBefore: before.mean, klAfter: after.mean, klPerHead: after.perHead)
      finished[layer] = FinishedLayer(result: result, maps: student.maps, steps: taken)
      runner.parameters.release()
      try didFinish(finished, steps)
      try report(.layerFinished(result, of: runner.graph.layerCount))
    }
    return DistillationResult(
      finished, tokensPerStep: min(recipe.batchSize, train.rowCount) * train.length)
  }

  /// Trains one layer, until `heldOutLoss` stops it or the schedule ends; returns the steps taken.
  private func trainLayer(
    _ student: LayerStudent, _ teacher: TeacherLayer, _ train: HiddenStates,
    _ schedule: BatchSchedule, advancing: Bool, _ clock: Stopwatch,
    _ report: ProgressReport, heldOutLoss: () -> HeldOutLoss
  ) throws -> Int {
    let steps = schedule.order.count
    var rates = recipe.rates(headSize: teacher.attention.headSize, steps: steps)
    let best = rates.keepsBest ? BestValues(of: student.maps.trained) : nil
    // Queries and keys of batches that a later step visits again: computed once, used often.
    var kept: [Int: QueryKey] = [:]
    var sinceReport = Stopwatch()
    for (step, batch) in schedule.order.enumerated() {
      let rows = schedule.batches[batch]
      let isLastVisit = schedule.lastVisit[batch] == step
      var queryKey: QueryKey
      if let known = kept[batch] {
        queryKey = known
      } else {
        queryKey = try train.queryKey(teacher, rows: rows, advancing: advancing)
        if !isLastVisit {
          queryKey = try queryKey.copied(into: space)
          kept[batch] = queryKey
        }
      }
      if isLastVisit { kept[batch] = nil }
      // Slow steps report one by one, so that a user who interrupts them does not wait for ten.
      // Measuring costs a logarithm and changes no gradient.
      let measuring =
        step.isMultiple(of: 10) || step == steps - 1 || sinceReport.seconds > 0.5
      let sample = recipe.sample(
        step: step, of: queryKey.shape, headSize: teacher.attention.headSize)
      let loss = student.step(
        queryKey, sample: sample, rate: rates.rate(step: step), measuring: measuring)
      if !isLastVisit { queryKey.evict() }
      if measuring {
        sinceReport = Stopwatch()
        guard loss.loss.isFinite else {
          throw PipelineError.diverged(layer: teacher.layer, step: step)
        }
        let position = plan.blocks.firstIndex { $0.layer == teacher.layer } ?? 0
        let done = Double(position * steps + step + 1)
        let total = Double(plan.blocks.count * steps)
        let tokens = done * Double(rows.count * train.length)
        try report(
          .step(
            StepProgress(
              layer: teacher.layer, layerCount: runner.graph.layerCount, step: step + 1,
              steps: steps,
              loss: loss.loss,
              tokensPerSecond: tokens / Double(plan.blocks.count) / clock.seconds,
              secondsLeft: clock.seconds * (total / done - 1))))
      }
      guard rates.isMeasured(after: step + 1) else { continue }
      let heldOut = heldOutLoss()
      try report(
        .measured(
          Measurement(
            stage: "distil", layer: teacher.layer, step: step + 1, loss: heldOut.loss,
            perHead: heldOut.perHead)))
      if rates.observe(heldOut.loss, after: step + 1) { best?.keep() }
      if rates.isExhausted {
        if advancing { try train.advance(teacher, batchesOf: schedule, visitedBy: 0..<step + 1) }
        best?.restore()
        return step + 1
      }
    }
    if let best, rates.best < heldOutLoss().loss { best.restore() }
    return steps
  }

  /// How many steps per layer fit a budget in seconds, from the time of two trial steps.
  private func affordableSteps(
    _ train: HiddenStates, _ teacher: TeacherLayer, _ block: RewritePlan.Block, budget: Double
  ) throws -> Int {
    let student = LayerStudent(block, scale: teacher.attention.scale, recipe: recipe)
    var seconds = 0.0
    for _ in 0..<2 {
      let trial = Stopwatch()
      let rows = 0..<min(recipe.batchSize, train.rowCount)
      let scratch = train.copy(of: rows)
      let queryKey = try scratch.queryKey(teacher, rows: 0..<rows.count, advancing: true)
      let sample = recipe.sample(
        step: 0, of: queryKey.shape, headSize: teacher.attention.headSize)
      _ = student.step(queryKey, sample: sample, rate: 0, measuring: true)
      seconds = trial.seconds
    }
    let affordable = budget / (seconds * Double(plan.blocks.count))
    return Int(max(1, min(Double(recipe.steps), affordable)))
  }

  /// What held-out rows measure, over batches.
  private func measure(_ student: LayerStudent, _ batches: [QueryKey]) -> HeldOutLoss {
    var perHead = [Double](repeating: 0, count: batches.first?.shape.queryHeads ?? 0)
    var loss = 0.0
    let queries = batches.reduce(0) { $0 + $1.shape.validPositions }
    for batch in batches {
      let weight = Double(batch.shape.validPositions) / Double(max(1, queries))
      defer { batch.evict() }
      let measured = student.measure(batch)
      loss += weight * measured.excess
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
