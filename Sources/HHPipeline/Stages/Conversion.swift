// The main job: a softmax checkpoint in, a distilled Hedgehog artifact out.

internal import HHCompute
internal import HHFormat

/// One conversion, opened and checked; `run` carries it out.
package struct Conversion {
  /// What will be done.
  package let plan: ConversionPlan
  private let options: ConversionOptions
  private let checkpoint: Checkpoint
  private let names: NameMap
  private let companions: Companions
  /// What distillation needs; nil where nothing is trained.
  private let training: (runner: ModelRunner, rows: TrainingRows)?
  private let stopwatch = Stopwatch()

  /// Opens and checks everything that can be checked before work begins: the checkpoint, its
  /// configuration, the data and the output's path.
  package init(_ options: ConversionOptions) throws {
    ThreadPolicy.use(threads: options.threads)
    self.options = options
    checkpoint = try Checkpoint(opening: options.model, configuration: options.configuration)
    guard checkpoint.artifact == nil else {
      throw FormatError(
        .unsupported, file: options.model,
        problem: "expected a softmax model, found an artifact, which is converted already",
        hint: "pass the model that it was made from")
    }
    names = try NameMap(checkpoint)
    try Self.checkOutput(of: options, checkpoint)
    try WeightCheck(checkpoint: checkpoint, names: names).run(
      allowNonfinite: options.allowNonfinite)
    companions = try Companions(of: checkpoint)
    let graph = try Graph(names)
    let rewrite = graph.rewritten().plan
    let training = try Self.training(options, graph: graph, checkpoint, names)
    self.training = training.map { ($0.runner, $0.rows) }
    let byteCount = checkpoint.byteCount
    plan = ConversionPlan(
      source: options.model, output: options.outputPath, architecture: graph.architecture,
      rewrite: rewrite, report: RewriteReport(names: names, plan: rewrite),
      training: training.map { training in
        ConversionPlan.Training(
          data: training.rows.description, steps: options.distillation.steps,
          batchSize: options.distillation.batchSize, length: training.rows.length,
          rowCount: training.rows.distillationCount,
          finetuning: training.objective.map {
            ConversionPlan.Finetuning(
              options.finetuning, objective: $0, batchSize: options.distillation.batchSize)
          })
      },
      memory: training.map { Int($0.estimate.memory) + byteCount }
        ?? ConversionEstimate.memory(ofRewrite: rewrite, threads: options.threads),
      seconds: training.map {
        // The budget is for distillation alone.
        min($0.estimate.distillationSeconds, options.distillation.budget ?? .infinity)
          + $0.estimate.finetuningSeconds
      } ?? ConversionEstimate.seconds(ofRewriting: byteCount, threads: options.threads))
  }

  private static func training(
    _ options: ConversionOptions, graph: Graph, _ checkpoint: Checkpoint, _ names: NameMap
  ) throws -> (
    runner: ModelRunner, rows: TrainingRows, estimate: ConversionEstimate,
    objective: ObjectiveKind?
  )? {
    guard options.stages.contains(.distil) else { return nil }
    let runner = ModelRunner(
      graph: graph, parameters: ParameterStore(checkpoint: checkpoint, names: names))
    let rows = try TrainingRows(
      options: options, graph: graph, checkpoint: checkpoint, names: names)
    var estimate = ConversionEstimate(
      graph: graph, recipe: options.distillation,
      rowCount: rows.distillationCount + rows.heldOutCount, length: rows.length)
    var objective: ObjectiveKind?
    if options.finetuning.steps > 0 {
      objective = try options.finetuning.objective(for: graph, isLabelled: rows.isLabelled)
      estimate.add(
        options.finetuning, graph: graph, batchSize: options.distillation.batchSize,
        length: rows.length)
    }
    try estimate.checkMemory()
    return (runner, rows, estimate, objective)
  }

  /// Refuses an output that cannot be written, or that is one of the inputs.
  private static func checkOutput(
    of options: ConversionOptions, _ checkpoint: Checkpoint
  ) throws(FormatError) {
    // Created and dropped at once: a bad output must not cost an hour of training.
    _ = try AtomicFile(at: options.outputPath, replacing: options.force)
    guard isPresent(options.outputPath) else { return }
    let output = try resolvedPath(options.outputPath)
    let others = [checkpoint.configurationPath, options.data, options.heldOut]
    for input in checkpoint.sourceFiles + others.compactMap(\.self) {
      guard try resolvedPath(input) == output else { continue }
      throw FormatError(
        .cannotCreate, file: options.outputPath,
        problem: "expected another name than the inputs', found that of '\(input)'")
    }
  }

  /// Distils where that is asked for, writes the artifact and returns what was reached.
  ///
  /// - Throws: what `report` throws, `PipelineError` or `FormatError`; nothing is left behind then.
  package func run(report: ProgressReport) throws -> ConversionSummary {
    try report(.planned(plan))
    for (name, size) in companions.skipped {
      try report(
        .warning(
          "\(quoted(name)) is not carried along: expected at most "
            + "\(count(Companions.maximumSize)) bytes, found \(count(size))"))
    }
    let trained = try train(report: report)
    try report(.stage("write"))
    let written = try ArtifactAssembly(
      plan: plan, options: options, checkpoint: checkpoint, names: names,
      companions: companions,
      training: trained.flatMap { trained in
        training.map { ($0.rows, trained.result, trained.finetuned) }
      }
    ).write(report: report)
    let summary = ConversionSummary(
      output: options.outputPath, training: trained?.summary, seconds: stopwatch.seconds,
      peakMemory: peakMemoryBytes, artifactBytes: written.bytes, rawBytes: written.rawBytes)
    try report(.summary(summary))
    return summary
  }

  /// Distils, and finetunes where that is asked for.
  private func train(
    report: ProgressReport
  ) throws -> (
    result: DistillationResult, finetuned: FinetunedModel?, summary: ConversionSummary.Training
  )? {
    guard let training else { return nil }
    let (rows, heldOut) = try training.rows.load(runner: training.runner, report: report)
    try report(.stage("distil"))
    let distillation = Stopwatch()
    let stage = DistillationStage(
      runner: training.runner, plan: plan.rewrite, recipe: options.distillation)
    let result = try stage.run(
      training: rows.input.rows(0..<min(rows.count, training.rows.distillationCount)),
      heldOut: heldOut.input, report: report)
    let seconds = distillation.seconds
    let finetuned =
      options.finetuning.steps > 0
      ? try finetune(result, training: rows, heldOut: heldOut, report: report) : nil
    let summary = ConversionSummary.Training(
      klBefore: result.klBefore, klAfter: result.klAfter,
      tokensPerSecond: Double(result.tokens) / max(seconds, 1e-9),
      steps: result.steps, layers: result.layers, finetuning: finetuned?.summary)
    return (result, finetuned, summary)
  }

  /// Trains the whole converted model, whose maps are those of `result` and change in place.
  private func finetune(
    _ result: DistillationResult, training rows: LabelledRows, heldOut: LabelledRows,
    report: ProgressReport
  ) throws -> FinetunedModel? {
    guard let teacher = training?.runner else { return nil }
    try report(.stage("finetune"))
    // The teacher keeps its own weights: those of the student change in place.
    let student = ModelRunner(
      graph: teacher.graph.rewritten().graph,
      parameters: ParameterStore(checkpoint: checkpoint, names: names))
    student.maps = result.maps
    let stage = FinetuneStage(
      student: student, teacher: teacher, recipe: options.finetuning,
      batchSize: options.distillation.batchSize)
    let finetuned = try FinetunedModel(
      student, stage.run(training: rows, heldOut: heldOut, report: report))
    try report(.finetuned(finetuned.summary))
    return finetuned
  }
}
