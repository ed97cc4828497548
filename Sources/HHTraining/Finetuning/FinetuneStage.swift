// Stage 2: training a converted model on a task, or to match its teacher.

internal import HHCompute
internal import HHData
package import HHFormat
package import HHModel

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
  /// Training positions per second of the steps, without measurements.
  package let tokensPerSecond: Double
}

extension FinetuneSummary {
  init(_ result: FinetuneResult) {
    (objective, asksTeacher) = (result.objective.word, result.objective.asksTeacher)
    (lossBefore, lossAfter) = (result.lossBefore, result.lossAfter)
    teacherLoss = result.teacherLoss
    (steps, parameterCount) = (result.steps, result.parameters.count)
    (tokens, tokensPerSecond) = (result.tokens, result.tokensPerSecond)
  }
}

/// Finetuning of a Hedgehog model.
package struct FinetuneStage {
  private let student: ModelRunner
  private let teacher: ModelRunner?
  private let recipe: TrainingPlan
  private let reusableRowCount: Int
  private let passed: TeacherStates?
  private let space: SpillSpace

  /// Prepares to train `student`, whose weights change in place.
  ///
  /// - Parameters:
  ///   - student: The converted model, with weights of its own.
  ///   - teacher: The unconverted model; nil for a new model, which has none.
  ///   - recipe: How to train.
  ///   - space: Where the teacher's answers to rows that come again are kept.
  package init(
    student: ModelRunner, teacher: ModelRunner?, recipe: TrainingPlan, space: SpillSpace = .memory
  ) {
    self.init(
      student: student, teacher: teacher, recipe: recipe, reusableRowCount: 0, passed: nil,
      space: space)
  }

  /// The same where distillation passes the first `reusableRowCount` rows through the teacher, `passed`
  /// where it has just done so.
  package init(
    student: ModelRunner, teacher: ModelRunner?, recipe: TrainingPlan, reusableRowCount: Int,
    passed: TeacherStates?, space: SpillSpace
  ) {
    self.student = student
    self.teacher = teacher
    self.recipe = recipe
    (self.reusableRowCount, self.passed) = (reusableRowCount, passed)
    self.space = space
  }

  /// Trains on `training` and measures on `heldOut`.
  ///
  /// - Throws: `PipelineError.finetuningDiverged` where a loss or gradient is not a number; the
  ///   student then has the weights of the last measurement. What `report` throws is thrown on.
  package func run(training: LabelledRows, heldOut: LabelledRows, report: ProgressReport) throws
    -> FinetuneResult
  {
    try run(training: training, heldOut: heldOut, checkpointing: nil, report: report)
  }

  /// Where checkpoints come from and go to.
  package struct Checkpointing {
    /// Steps between two checkpoints.
    let interval: Int
    /// What to go on from, and its numbers.
    let last: (checkpoint: RunCheckpoint, numbers: JSONObject)?
    /// Writes a checkpoint.
    let save: (RunState) throws -> Void

    /// Takes every member as it is.
    package init(
      interval: Int, last: (checkpoint: RunCheckpoint, numbers: JSONObject)?,
      save: @escaping (RunState) throws -> Void
    ) {
      (self.interval, self.last, self.save) = (interval, last, save)
    }
  }

  /// The same with checkpoints, before the first step and at a `CheckpointPace`.
  package func run(
    training: LabelledRows, heldOut: LabelledRows, checkpointing: Checkpointing?,
    report: ProgressReport
  ) throws -> FinetuneResult {
    let kind = try recipe.objective(for: student.graph, isLabelled: training.labels != nil)
    if kind == .classes { try checkLabels(training, heldOut) }
    let parameters = try TrainableParameters(
      of: student, trained: recipe.trained, reaching: kind, seed: recipe.seed)
    guard parameters.count > 0 else {
      throw PipelineError.invalidSetting(
        recipe.settings.key(\.lora), problem: "expected parameters to train, found none")
    }
    let runner = GradientRunner(model: student, parameters: parameters)
    runner.recomputesBlocks = recipe.recomputesBlocks
    let last = checkpointing?.last?.numbers
    let teacherLoss =
      last == nil ? try lossOfTeacher(heldOut, kind) : last?["teacher_loss"]?.double
    // Held-out rows are measured before and after, at the least.
    let heldOutTeacher = try self.teacher(
      kind, of: heldOut, visits: 2 * Double(heldOut.count), reusableRowCount: 0)
    func measure() throws -> Double { try self.measure(runner, heldOut, kind, heldOutTeacher) }
    let before = try last?["loss_before"]?.double ?? measure()
    var loop = FinetuneLoop(
      recipe: recipe, kind: kind,
      teacher: try self.teacher(
        kind, of: training, visits: recipe.visits,
        reusableRowCount: reusableRowCount),
      rows: training, runner: runner, measurement: before)
    var after = before
    func save() throws {
      guard let checkpointing else { return }
      // The losses of a step may be numbers although the weights after it no longer are.
      try loop.requireFinite()
      var state = loop.state
      state.numbers["loss_before"] = .number(before)
      state.numbers["loss_after"] = .number(after)
      state.numbers["teacher_loss"] = teacherLoss.map { .number($0) } ?? .null
      try checkpointing.save(state)
    }
    if let (checkpoint, numbers) = checkpointing?.last {
      try loop.restore(numbers, checkpoint)
      after = numbers["loss_after"]?.double ?? before
    } else {
      try save()
    }
    let tokensBefore = loop.tokens
    let clock = Stopwatch()
    var pace = checkpointing.map { CheckpointPace(steps: $0.interval) }
    var sinceReport = Stopwatch()
    while !loop.isDone {
      let progress = try loop.advance(clock: clock)
      if loop.isMeasured {
        after = try measure()
        try loop.record(measurement: after)
        try report(
          .measured(
            Measurement(
              stage: teacher == nil ? "train" : "finetune", layer: nil, step: loop.step,
              loss: after, perHead: [])))
      }
      let isSaved = pace?.isDue(after: loop.step) ?? false
      if isSaved { try save() }
      guard progress.step == 1 || loop.step.isMultiple(of: 10) || sinceReport.seconds > 0.5 else {
        continue
      }
      sinceReport = Stopwatch()
      do {
        try report(.finetuneStep(progress))
      } catch {
        // Whoever stops the run here can go on from here.
        if !isSaved { try save() }
        throw error
      }
    }
    if loop.finish() { after = try measure() }
    return FinetuneResult(
      parameters: parameters, objective: kind, lossBefore: before, lossAfter: after,
      teacherLoss: teacherLoss, steps: loop.step, tokens: loop.tokens,
      tokensPerSecond: Double(loop.tokens - tokensBefore) / max(loop.seconds, 1e-9))
  }

  /// Mean loss over rows, some at a time.
  private func measure(
    _ runner: GradientRunner, _ rows: LabelledRows, _ kind: ObjectiveKind, _ teacher: Teacher?
  ) throws -> Double {
    var total = LossSum()
    for start in stride(from: 0, to: rows.count, by: recipe.batchSize) {
      let chosen = Array(start..<min(rows.count, start + recipe.batchSize))
      let (input, objective) = rows.rows(chosen).prepared(
        kind, teacher: teacher?.batch(chosen), recipe: recipe, place: "held-out \(start)")
      total.add(try runner.loss(input, objective))
    }
    return total.mean
  }

  /// The teacher of rows that are visited so many times in all; its answers are kept where that saves
  /// work, for as many rows at a time as a batch has.
  private func teacher(
    _ kind: ObjectiveKind, of rows: LabelledRows, visits: Double, reusableRowCount: Int
  ) throws(FormatError) -> Teacher? {
    guard let teacher else { return nil }
    let bytes = TeacherAnswers.byteCount(
      kind, teacher.graph, rowCount: rows.count, reusableRowCount: reusableRowCount,
      length: teacher.length(of: rows.input), visits: visits)
    guard bytes != nil else { return Teacher(teacher) }
    return Teacher(
      keeping: try TeacherAnswers(
        of: teacher, kind, to: rows.input, groupSize: recipe.batchSize,
        reusableRowCount: reusableRowCount,
        passed: reusableRowCount > 0 ? passed : nil, space: space))
  }

  private func lossOfTeacher(_ rows: LabelledRows, _ kind: ObjectiveKind) throws -> Double? {
    guard let teacher, kind == .nextToken || kind == .classes else { return nil }
    let none = try TrainableParameters(
      of: teacher, trained: ParameterSelection(weights: false, maps: false), reaching: kind)
    let loss = try measure(GradientRunner(model: teacher, parameters: none), rows, kind, nil)
    teacher.parameters.release()
    return loss
  }

  private func checkLabels(_ rows: LabelledRows...) throws {
    let count = student.graph.classifier?.classifier.outputs ?? 0
    for row in rows.flatMap({ $0.labels ?? [] }) where !(0..<count).contains(Int(row)) {
      throw PipelineError.invalidSetting(
        SettingKey.data,
        problem: "expected labels from 0 to \(count - 1), as the model's head has them,"
          + " found \(row)")
    }
  }
}
