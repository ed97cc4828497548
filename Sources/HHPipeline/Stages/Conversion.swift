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
  private let runner: ModelRunner
  private let rows: TrainingRows
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
    runner = ModelRunner(
      graph: graph, parameters: ParameterStore(checkpoint: checkpoint, names: names))
    let rewrite = graph.rewritten().plan
    let report = RewriteReport(names: names, plan: rewrite)
    rows = try TrainingRows(options: options, graph: graph, checkpoint: checkpoint, names: names)
    let estimate = ConversionEstimate(
      graph: graph, recipe: options.distillation,
      rowCount: rows.trainingCount + rows.heldOutCount, length: rows.length)
    try estimate.checkMemory()
    plan = ConversionPlan(
      source: options.model, output: options.outputPath, architecture: graph.architecture,
      rewrite: rewrite, report: report, data: rows.description,
      steps: options.distillation.steps, batchSize: options.distillation.batchSize,
      length: rows.length, rowCount: rows.trainingCount,
      memory: Int(estimate.memory) + checkpoint.byteCount,
      seconds: min(estimate.seconds, options.distillation.budget ?? .infinity))
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

  /// Distils, writes the artifact and returns what was reached.
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
    let (training, heldOut) = try rows.load(runner: runner, report: report)
    try report(.stage("distil"))
    let distillation = Stopwatch()
    let stage = DistillationStage(
      runner: runner, plan: plan.rewrite, recipe: options.distillation)
    let result = try stage.run(training: training, heldOut: heldOut, report: report)
    let seconds = distillation.seconds
    try report(.stage("write"))
    let written = try ArtifactAssembly(
      plan: plan, options: options, checkpoint: checkpoint, names: names,
      companions: companions, rows: rows, result: result
    ).write(report: report)
    let summary = ConversionSummary(
      output: options.outputPath, klBefore: result.klBefore, klAfter: result.klAfter,
      seconds: stopwatch.seconds, peakMemory: peakMemoryBytes,
      tokensPerSecond: Double(result.tokens) / max(seconds, 1e-9), steps: result.steps,
      layers: result.layers, artifactBytes: written.bytes, rawBytes: written.rawBytes)
    try report(.summary(summary))
    return summary
  }
}
