// The main job: a softmax checkpoint in, a distilled Hedgehog artifact out.

internal import HHAnalysis
internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel
internal import HHTraining

/// One conversion, opened and checked; `run` carries it out.
package struct Conversion {
  /// What will be done.
  package let plan: ConversionPlan
  /// The settings as they were given.
  package let options: ConversionOptions
  /// The inputs that were reported while the conversion was opened.
  private let inputs: ConversionInputs?
  /// The folder of a run that was stopped; nil for a new conversion.
  private let stopped: RunFolder?
  let checkpoint: Checkpoint
  private let opened: SourceFiles
  let start: StartingPoint
  var names: NameMap { start.names }
  private let sidecars: SidecarFiles
  /// What distillation needs; nil where nothing is trained.
  let training:
    (
      runner: ModelRunner, rows: TrainingRows, evaluations: StageEvaluations, space: SpillSpace,
      distillation: TrainingPlan, finetuning: TrainingPlan?
    )?
  private let stopwatch = Stopwatch()

  /// Whether an earlier process has begun the run.
  private var isResumed: Bool { stopped.map { !$0.isNew } ?? false }

  /// Opens and checks everything that can be checked before work begins: the checkpoint, its
  /// configuration, the data and the output's path. Weights that are only rewritten are checked by
  /// `run`, which reads them anyway.
  ///
  /// - Parameters:
  ///   - options: The settings.
  ///   - folder: The folder of a stopped run of these settings, which is resumed.
  ///   - report: Called with what is read before the reading, which may take a while.
  /// - Throws: `FormatError` and `PipelineError` for what cannot be converted.
  package init(
    _ options: ConversionOptions, resuming folder: RunFolder? = nil,
    report: ConversionReport = { _ in }
  ) throws {
    stopped = folder
    ThreadPolicy.use(threads: options.threads)
    var options = options
    options.attention.seed = options.seed
    try Self.checkOwnModel(options)
    checkpoint = try Checkpoint(
      opening: options.model, configuration: options.configuration, base: options.base,
      tokenizer: options.tokenizer)
    opened = SourceFiles(of: checkpoint)
    start = try StartingPoint(checkpoint)
    try start.settle(&options)
    let nesting = JSONValue.object(checkpoint.configuration ?? [:]).depth
    guard nesting <= ArtifactDescription.Architecture.maximumDepth else {
      throw FormatError(
        .unsupported, file: checkpoint.configurationPath ?? options.model,
        problem: "expected at most \(ArtifactDescription.Architecture.maximumDepth) levels of"
          + " nesting, which an artifact can hold, found \(nesting)")
    }
    let names = start.names
    try Self.checkOutput(
      of: options, checkpoint, isResumed: folder.map { !$0.isNew } ?? false)
    inputs = options.isOnePass ? nil : ConversionInputs(options, names)
    if let inputs { try report(.reading(inputs)) }
    try WeightCheck(checkpoint: checkpoint, names: names).run(
      allowNonfinite: options.allowNonfinite || options.isOnePass)
    sidecars = try SidecarFiles(of: checkpoint)
    let graph = try Graph(names)
    let choice = options.choosePrecision(for: graph)
    self.options = options
    guard options.attention.softmaxCount == nil || options.distils else {
      throw PipelineError.invalidSetting(
        options.attention.key(\.keptSoftmax),
        problem: "expected the stage 'distil', after which layers are chosen, found none")
    }
    if options.rewrites, let found = graph.problem(with: options.attention) {
      throw PipelineError.invalidSetting(found.setting, problem: found.problem)
    }
    let rewrite =
      options.rewrites ? graph.rewritten(options.attention).plan : RewritePlan(blocks: [])
    let training = try Self.training(options, graph: graph, rewrite, checkpoint, names, start)
    self.training = training.map {
      ($0.runner, $0.rows, $0.evaluations, $0.space, $0.distillation, $0.finetuning)
    }
    let byteCount = checkpoint.byteCount
    let distils = start.distils(by: options)
    plan = ConversionPlan(
      source: options.model, output: options.outputPath, architecture: graph.architecture,
      rewrite: rewrite, report: RewriteReport(names: names, plan: rewrite),
      training: training.map { training in
        ConversionPlan.Training(
          data: training.rows.description, steps: training.distillation.steps,
          batchSize: options.distillation.batchSize, hasTeacher: options.initialWeights == nil,
          length: training.rows.length, distils: distils,
          softmaxCount: options.attention.softmaxCount,
          rowCount: training.rows.distillationCount,
          precision: options.distillation.precision.product, choice: choice,
          finetuning: training.finetuning.flatMap { finetuning in
            training.objective.map { ConversionPlan.Finetuning(finetuning, objective: $0) }
          })
      },
      memory: training.map { Int($0.estimate.memory) + byteCount }
        ?? ConversionEstimate.memory(ofRewrite: rewrite, threads: options.threads),
      seconds: ConversionEstimate.seconds(ofRewriting: byteCount, threads: options.threads)
        + (training?.estimate.seconds(budget: options.distillation.budget) ?? 0),
      quantized: ConversionPlan.Quantized(checkpoint, names, areKept: !options.delta))
  }

  /// Refuses a base model, or a tokenizer from elsewhere, for outputs that need the model as it is:
  /// a delta names one model, which is opened alone when the delta is used; a run's recipe names
  /// one too, and takes the tokenizer beside it.
  private static func checkOwnModel(_ options: ConversionOptions) throws(PipelineError) {
    let delta = (options.key(\.delta), options.delta)
    let run = (options.key(\.run), options.run != nil)
    var conflict: (option: String, other: SettingKey)?
    if options.base != nil, let other = [delta, run].first(where: \.1) {
      conflict = ("base", other.0)
    } else if options.tokenizer != nil, delta.1 {
      conflict = ("tokenizer", delta.0)
    }
    guard let (option, other) = conflict else { return }
    throw .invalidSetting(
      SettingKey(option: option),
      problem: "expected no '\(other)' beside it, which needs the model as it is, found both")
  }

  private static func training(
    _ options: ConversionOptions, graph: Graph, _ rewrite: RewritePlan, _ checkpoint: Checkpoint,
    _ names: NameMap, _ start: StartingPoint
  ) throws -> (
    runner: ModelRunner, rows: TrainingRows, evaluations: StageEvaluations, space: SpillSpace,
    distillation: TrainingPlan, finetuning: TrainingPlan?, objective: ObjectiveKind?,
    estimate: ConversionEstimate
  )? {
    guard options.stages.contains(.distil) else {
      guard options.evaluations.isEmpty else {
        throw PipelineError.invalidSetting(
          .stages,
          problem: "expected 'rewrite,distil' for the recipe's evaluations, found 'rewrite'")
      }
      return nil
    }
    let runner = ModelRunner(
      graph: graph, parameters: ParameterStore(checkpoint: checkpoint, names: names))
    var request = TrainingRows.Request()
    (request.data, request.heldOut, request.length) = (
      options.data, options.heldOut, options.length
    )
    request.columns = options.columns
    (request.distillation, request.seed) = (options.distillation, options.seed)
    if options.attention.softmaxCount != nil, !options.distillation.isEnabled {
      // Layers are chosen on rows, whether or not anything is distilled on them.
      (request.distillation.steps, request.distillation.batchSize) = (
        1, SoftmaxLayerChoice.rowCount
      )
    }
    request.finetuning = options.finetuning.isEnabled ? options.finetuning : nil
    let rows = try TrainingRows(request, graph: graph, checkpoint: checkpoint, names: names)
    let distillation = try TrainingPlan(
      options.distillation, rowCount: rows.distillationCount, seed: options.seed)
    var finetuning = try TrainingPlan(
      options.finetuning, rowCount: rows.trainingCount, seed: options.seed)
    if options.initialWeights != nil, graph.kind == .encoder, graph.tokenHead != nil {
      finetuning.masking = try TokenMasking(graph, checkpoint)
    }
    let evaluations = try StageEvaluations(
      options,
      model: OpenedModel(checkpoint: checkpoint, names: names, runner: runner, teacher: nil),
      comparing: options.initialWeights == nil)
    var estimate = ConversionEstimate(
      graph: graph, recipe: distillation,
      rowCount: start.distils(by: options) ? rows.distillationCount : 0,
      heldOutCount: rows.heldOutCount, length: rows.length)
    if rows.areSampled {
      estimate.addSampling(
        rowCount: rows.trainingCount + rows.heldOutCount, length: rows.length, graph: graph)
    }
    if let count = options.attention.softmaxCount {
      estimate.addChoice(of: count, length: rows.length, graph: graph)
    }
    var objective: ObjectiveKind?
    if options.finetuning.isEnabled {
      let kind =
        try options.initialWeights == nil
        ? finetuning.objective(for: graph, isLabelled: rows.isLabelled)
        : finetuning.trainingObjective(for: graph, isLabelled: rows.isLabelled)
      objective = kind
      estimate.add(
        finetuning, objective: kind, graph: graph, mapCount: rewrite.newParameterCount,
        rowCount: rows.trainingCount,
        reusableRowCount: start.distils(by: options)
          ? options.sharedRowCount(distilled: rows.distillationCount, of: rows.trainingCount) : 0,
        heldOutCount: rows.heldOutCount, length: rows.length)
    }
    let space = try estimate.fit(
      &finetuning, evaluates: !options.evaluations.isEmpty, limit: options.maximumMemory,
      folder: directory(of: options.outputPath))
    try estimate.checkMemory()
    runner.streamsWeights = estimate.streamsWeights
    return (
      runner, rows, evaluations, space, distillation,
      options.finetuning.isEnabled ? finetuning : nil, objective, estimate
    )
  }

  /// Reads every weight and throws what `run` would for one that is not finite.
  package func checkWeights() throws {
    guard options.isOnePass, !options.allowNonfinite else { return }
    try WeightCheck(checkpoint: checkpoint, names: names).checkFinite()
  }

  /// Distils and finetunes as the settings say, and writes the artifact.
  ///
  /// - Parameters:
  ///   - report: Called with every event.
  ///   - failure: What the folder of a run says of an error.
  /// - Returns: What was reached.
  /// - Throws: what `report` throws, `PipelineError` or `FormatError`; nothing is left behind then
  ///   but the folder of a run.
  package func run(
    report: ConversionReport, failure: (any Error) -> RunFailure? = { _ in nil }
  ) throws -> ConversionSummary {
    guard let folder = options.run else {
      // Before the files are digested, which takes a second for every gigabyte or two.
      try report(.planned(plan))
      let sources = options.isOnePass ? nil : try ConversionKey.sources(of: checkpoint)
      return try self.run(sources, nil, report)
    }
    let sources = try ConversionKey.sources(of: checkpoint)
    let run = try openRun(folder, sources)
    func logged(_ event: ConversionEvent) throws {
      try run.log(event, at: moment)
      try report(event)
    }
    do {
      if let stopped, isResumed {
        try logged(.resumed(checkpoint: try stopped.lastCheckpoint()))
      }
      if let inputs { try run.log(.reading(inputs), at: moment) }
      try logged(.planned(plan))
      let summary = try self.run(sources, run, logged)
      run.record(nil)
      return summary
    } catch {
      let error = run.explained(error)
      run.record(failure(error))
      try run.log(.failed("\(error)"), at: moment)
      throw error
    }
  }

  private var moment: Moment {
    Moment(seconds: stopwatch.seconds, peakMemory: peakMemoryBytes)
  }

  /// The run that the conversion keeps in a folder, new or stopped before.
  private func openRun(_ path: String, _ sources: [Provenance.Source]) throws -> ConversionRun {
    let folder =
      try stopped ?? RunFolder(creating: path, recipe: try Recipe(options, file: path))
    let description = ArtifactDescription(
      producer: .init(name: Producer.name, version: Producer.version),
      architecture: .init(name: plan.architecture, config: checkpoint.configuration ?? [:]),
      provenance: Provenance(
        sources: sources, recipe: [:], seed: options.seed,
        data: training.map { .init(kind: $0.rows.kind, sha256: $0.rows.digest, tokens: 0) }))
    let run = try ConversionRun(
      folder, plan: plan.rewrite, description: description, opened: opened, options: options,
      finetuningSteps: training?.finetuning?.steps ?? 0,
      key: ConversionKey.ofRun(options, sidecars: sidecars, sources: sources))
    try run.requireUseOfRates()
    // Not before everything has been checked: a run that cannot be resumed stays as it was.
    if let stopped { try stopped.takeSettings(of: options) }
    return run
  }

  private func run(
    _ sources: [Provenance.Source]?, _ run: ConversionRun?, _ report: ConversionReport
  ) throws -> ConversionSummary {
    for (name, size) in sidecars.skipped {
      try report(
        .progress(
          .warning(
            """
            \(quoted(name)) is not carried along: expected at most \
            \(Format.count(SidecarRules.maximumSize)) bytes, found \(Format.count(size))
            """)))
    }
    var options = options
    if let run { options.earlierRates = run.earlier }
    // Before training, since data files are digested: a file that changes meanwhile is not what was
    // learnt from.
    let key = try ConversionKey(sidecars: sidecars, options: options)
    let trained = try train(run, report: report)
    try report(.progress(.stage("write")))
    try opened.requireUnchanged()
    var plan = plan
    if let attention = trained?.attention {
      options.attention = attention
      plan.rewrite = plan.rewrite.without(attention.softmaxLayers)
    }
    let assembly = ArtifactAssembly(
      plan: plan, options: options, key: key, sources: sources, opened: opened,
      checkpoint: checkpoint, start: start, sidecars: sidecars,
      training: trained.flatMap { trained in
        training.map {
          ($0.rows, trained.result, trained.finetuned, trained.summary.evaluations, $0.finetuning)
        }
      }
    )
    let written = try withAdapter(trained?.finetuned?.adapters ?? []) { adapter in
      try options.rewrites
        ? assembly.write(report: report, companions: adapter)
        : assembly.writeFolder(report: report, companions: adapter)
    }
    let summary = ConversionSummary(
      output: options.outputPath, training: trained?.summary, seconds: stopwatch.seconds,
      peakMemory: peakMemoryBytes, artifactBytes: written.bytes, rawBytes: written.rawBytes)
    try report(.summary(summary))
    return summary
  }

  /// Writes the output with `write`, which publishes the adapter just before it gives the output its
  /// name: a run whose output is there counts as done.
  private func withAdapter(
    _ adapters: [LowRankAdapter],
    _ write: (_ adapter: () throws(FormatError) -> Void) throws -> ArtifactSummary
  ) throws -> ArtifactSummary {
    guard let path = options.adapter, let settings = options.finetuning.lora else {
      return try write({})
    }
    let isNew = !isPresent(path)
    do {
      return try write { () throws(FormatError) in
        try AdapterFolder(
          adapters: adapters, settings: settings, names: names, model: options.model
        ).write(to: path, replacing: options.force, isResumed: isResumed)
      }
    } catch {
      if isNew { removeFolder(at: path) }
      throw error
    }
  }
}

extension ConversionInputs {
  fileprivate init(_ options: ConversionOptions, _ names: NameMap) {
    self.init(
      source: options.model, architecture: names.schema.architecture,
      parameterCount: RewriteReport(names: names, plan: RewritePlan(blocks: []))
        .keptParameterCount,
      data: [options.data, options.heldOut].compactMap(\.self))
  }
}
