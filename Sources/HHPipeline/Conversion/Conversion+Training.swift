// The training part of a conversion: distillation, then finetuning.

internal import HHAnalysis
internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel
internal import HHTraining

extension Conversion {
  /// The model that writes the rows: with its weights rounded where training rounds them as well, and
  /// then with half of them to read for every token.
  private func writer(_ runner: ModelRunner) -> ModelRunner {
    guard options.distillation.precision.product == .bfloat16 else { return runner }
    let writer = ModelRunner(
      graph: runner.graph,
      parameters: ParameterStore(checkpoint: checkpoint, names: names, halves: .rounded))
    (writer.streamsWeights, writer.precision) = (runner.streamsWeights, .bfloat16)
    return writer
  }

  /// Distils, and finetunes where that is asked for.
  func train(
    _ run: ConversionRun?, report: ConversionReport
  ) throws -> (
    result: DistillationResult, finetuned: FinetunedModel?, summary: ConversionSummary.Training,
    attention: LinearAttentionSettings
  )? {
    guard let training else { return nil }
    func progress(_ event: ProgressEvent) throws { try report(.progress(event)) }
    let precisions = [options.distillation.precision, options.finetuning.precision]
    if precisions.contains(.bfloat16), let missing = ProductPrecision.missingUnits {
      try progress(
        .warning(
          """
          precision: \(missing): products in bfloat16 are computed by float32's units, and no \
          faster
          """))
    }
    let (rows, heldOut) = try training.rows.load(
      runner: training.rows.areSampled ? writer(training.runner) : training.runner,
      report: progress)
    var student = student(options.attention)
    if options.initialWeights != nil {
      return try trainWithoutTeacher(student, run, rows, heldOut, report: report)
    }
    var evaluations: [EvaluationResult] = []
    func evaluate(after stage: String) throws {
      var results = run?.evaluations.filter { $0.after == stage } ?? []
      if results.isEmpty {
        results = try training.evaluations.run(
          after: stage, student: student, heldOut: heldOut, report: report)
        run?.evaluations += results
      }
      evaluations += results
    }
    try evaluate(after: "rewrite")
    let distillation = Stopwatch()
    let distils = start.distils(by: options)
    let reusableRowCount = distils ? try sharedRowCount(rows) : 0
    if distils { try progress(.stage("distil")) }
    var result =
      try distils
      ? distil(run, rows, heldOut, keepingStates: reusableRowCount > 0, report: progress)
      : DistillationResult(maps: student.maps)
    let passed = result.passed
    result.passed = nil
    let seconds = distillation.seconds
    var attention = options.attention
    if let count = attention.softmaxCount {
      let kept = try chooseSoftmaxLayers(count, result.maps, rows.input, report: report)
      attention.keptSoftmax = .layers(kept)
      student = self.student(attention)
      result = result.without(kept)
    }
    student.maps = result.maps
    try evaluate(after: "distil")
    let finetuned =
      options.finetuning.isEnabled
      ? try finetune(
        student, run, training: rows, heldOut: heldOut, reusableRowCount: reusableRowCount,
        passed: passed,
        report: progress) : nil
    try evaluate(after: "finetune")
    let graph = training.runner.graph
    let summary = ConversionSummary.Training(
      klBefore: result.klBefore, klAfter: result.klAfter,
      tokensPerSecond: run?.isResumed == true ? 0 : Double(result.tokens) / max(seconds, 1e-9),
      steps: result.steps, layers: result.layers, finetuning: finetuned?.summary,
      evaluations: evaluations,
      verdict: evaluations.last { $0.task == Fidelity.task }.map {
        Verdict(
          $0, of: options, decoderPositions: graph.hasLanguageModelHead ? graph.maximumLength : nil,
          layerCount: graph.layerCount)
      })
    return (result, finetuned, summary, attention)
  }

  /// Trains a model without a teacher, from whose answers it could be distilled.
  private func trainWithoutTeacher(
    _ student: ModelRunner, _ run: ConversionRun?, _ rows: LabelledRows, _ heldOut: LabelledRows,
    report: ConversionReport
  ) throws -> (
    result: DistillationResult, finetuned: FinetunedModel?, summary: ConversionSummary.Training,
    attention: LinearAttentionSettings
  )? {
    for (layer, maps) in run?.layers ?? [:] { student.maps[layer] = maps.maps }
    let finetuned = try finetune(student, run, training: rows, heldOut: heldOut) {
      try report(.progress($0))
    }
    let evaluations =
      try training?.evaluations.run(
        after: "train", student: student, heldOut: heldOut, report: report) ?? []
    let result = DistillationResult(maps: student.maps)
    return (
      result, finetuned,
      ConversionSummary.Training(
        klBefore: 0, klAfter: 0, tokensPerSecond: 0, steps: 0, layers: [],
        finetuning: finetuned?.summary, evaluations: evaluations, verdict: nil),
      options.attention
    )
  }

  /// Rows whose answers finetuning keeps, and could have from distillation's pass of the teacher.
  private func sharedRowCount(_ rows: LabelledRows) throws -> Int {
    guard let training, let finetuning = training.finetuning else { return 0 }
    let graph = training.runner.graph
    let count = options.sharedRowCount(
      distilled: min(rows.count, training.rows.distillationCount), of: rows.count)
    let kept = TeacherAnswers.byteCount(
      try finetuning.objective(for: graph, isLabelled: rows.labels != nil), graph,
      rowCount: rows.count, reusableRowCount: count, length: training.runner.length(of: rows.input),
      visits: finetuning.visits)
    return kept == nil ? 0 : count
  }

  /// Trains the maps of the layers that are not done yet; with `keepingStates`, the rows' last states
  /// stay where no earlier run has done them all.
  private func distil(
    _ run: ConversionRun?, _ rows: LabelledRows, _ heldOut: LabelledRows, keepingStates: Bool,
    report: ProgressReport
  ) throws -> DistillationResult {
    guard let training else { preconditionFailure("nothing is distilled without rows") }
    let input = rows.input.rows(0..<min(rows.count, training.rows.distillationCount))
    let finished = run?.layers ?? [:]
    if !finished.isEmpty, plan.rewrite.blocks.allSatisfy({ finished[$0.layer] != nil }) {
      return DistillationResult(
        finished,
        tokensPerStep: min(options.distillation.batchSize, input.rowCount)
          * training.runner.length(of: input))
    }
    var recipe = training.distillation
    if let steps = run?.distillationSteps { (recipe.steps, recipe.budget) = (steps, nil) }
    training.runner.precision = recipe.precision.product
    defer { training.runner.precision = .float32 }
    let stage = DistillationStage(
      runner: training.runner, plan: plan.rewrite, learnt: start.maps, recipe: recipe,
      space: training.space)
    return try stage.run(
      training: input, heldOut: heldOut.input,
      checkpointing: run.map { run in
        DistillationStage.Checkpointing(
          interval: options.checkpointSteps, finished: finished, begun: run.distillation,
          save: { try run.save($0, steps: $1, begun: $2) })
      }, keepingStates: keepingStates, report: report)
  }

  /// The converted model before any training, with weights of its own: those may change in place
  /// while the teacher's stay.
  private func student(_ attention: LinearAttentionSettings) -> ModelRunner {
    guard let training else { preconditionFailure("a student is made where there is training") }
    let graph = training.runner.graph
    let student = ModelRunner(
      graph: options.rewrites ? graph.rewritten(attention).graph : graph,
      parameters: ParameterStore(checkpoint: checkpoint, names: names))
    student.streamsWeights = training.runner.streamsWeights
    for block in plan.rewrite.blocks { student.maps[block.layer] = start.maps(of: block) }
    return student
  }

  /// The layers that are given back their softmax. A run that goes on finds the same ones again.
  private func chooseSoftmaxLayers(
    _ count: Int, _ maps: [Int: FeatureMaps], _ rows: ModelInput, report: ConversionReport
  ) throws -> [Int] {
    guard let training, case .tokens(let batch) = rows else {
      preconditionFailure("layers are chosen for decoders that are distilled")
    }
    try report(.progress(.stage("choose")))
    let teacher = training.runner
    teacher.precision = training.distillation.precision.product
    defer { teacher.precision = .float32 }
    let choice = try SoftmaxLayerChoice(
      teacher: teacher, maps: maps, settings: options.attention, rows: batch)
    let kept = try choice.layers(count) { _ in try report(.progress(.stage("choose"))) }
    teacher.parameters.release()
    try report(.progress(.kept(softmaxLayers: kept)))
    return kept
  }

  /// Trains the whole converted model, which changes in place. The teacher's answers to the first
  /// `reusableRowCount` rows are distillation's, which has just `passed` them or did in an earlier run.
  private func finetune(
    _ student: ModelRunner, _ run: ConversionRun?, training rows: LabelledRows,
    heldOut: LabelledRows, reusableRowCount: Int = 0, passed: TeacherStates? = nil,
    report: ProgressReport
  ) throws -> FinetunedModel? {
    guard let training, let recipe = training.finetuning else { return nil }
    let teacher = training.runner
    let hasTeacher = options.initialWeights == nil
    for model in [student, teacher] { model.precision = recipe.precision.product }
    // What is measured between stages is the artifact's, which knows of no precision of training.
    defer { for model in [student, teacher] { model.precision = .float32 } }
    try report(.stage(hasTeacher ? "finetune" : "train"))
    let stage = FinetuneStage(
      student: student, teacher: hasTeacher ? teacher : nil, recipe: recipe,
      reusableRowCount: reusableRowCount, passed: passed, space: training.space)
    let finetuned = FinetunedModel(
      student,
      try stage.run(
        training: rows, heldOut: heldOut,
        checkpointing: run.map { run in
          FinetuneStage.Checkpointing(
            interval: options.checkpointSteps, last: run.finetuning,
            save: { try run.save(finetuning: $0) })
        }, report: report),
      rate: recipe.settings.key(\.learningRate))
    try report(.finetuned(finetuned.summary))
    return finetuned
  }
}
