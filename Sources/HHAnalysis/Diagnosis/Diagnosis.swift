// Which layers of a converted model are far from the softmax that they stand for, and why.

package import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel
package import HHTraining

/// What to look at, and on what.
package struct DiagnosisOptions: Sendable {
  /// An artifact, or a checkpoint, which is shown as a rewrite alone would leave it.
  package var model: String
  /// A configuration in place of the model's own.
  package var configuration: String?
  /// The model that a delta was made from.
  package var base: String?
  /// A tokenizer in place of the model's own: a folder, or one of its files.
  package var tokenizer: String?
  /// Rows to look at; nil means the model's own samples, random tokens or synthetic images.
  package var data: String?
  /// Positions per row; nil means 256, or as many as the model has.
  package var length: Int?
  /// Most rows.
  package var rowLimit = 8
  /// Seed of rows that are made up.
  package var seed: UInt64 = 0
  /// Maps to compare with each other, each distilled for itself; none shows the model as it is.
  package var maps: [FeatureMapKind] = []
  /// Optimiser steps per layer of those distillations; nil means as many as a conversion takes.
  package var steps: Int?
  /// Threads to use.
  package var threads: Int

  /// Creates options.
  package init(model: String, threads: Int) {
    (self.model, self.threads) = (model, threads)
  }
}

/// Attention weights of a model beside those of softmax on the same queries and keys.
///
/// Every layer is given what the softmax model computes before it, as in distillation, so that the
/// layers' figures do not depend on each other.
package struct Diagnosis {
  private let options: DiagnosisOptions
  private let student: ModelRunner
  private let teacher: ModelRunner
  private let rows: TrainingRows
  private let recipe: TrainingPlan
  private let checkpoint: Checkpoint

  /// Opens the model and finds the rows.
  ///
  /// - Throws: `FormatError` and `PipelineError` for what cannot be opened or looked at.
  package init(_ options: DiagnosisOptions) throws {
    ThreadPolicy.use(threads: options.threads)
    self.options = options
    let model = try OpenedModel(
      opening: options.model, configuration: options.configuration, base: options.base,
      tokenizer: options.tokenizer)
    checkpoint = model.checkpoint
    if let teacher = model.teacher {
      (student, self.teacher) = (model.runner, teacher)
    } else {
      teacher = model.runner
      student = teacher.rewritten()
    }
    var sources = TrainingRows.Request()
    (sources.data, sources.length) = (options.data, options.length)
    if options.maps.isEmpty {
      sources.heldOut = options.data
      (sources.distillation.steps, sources.distillation.batchSize) = (1, 1)
    } else if let steps = options.steps {
      sources.distillation.steps = steps
    }
    sources.seed = options.seed
    recipe = TrainingPlan(sources.distillation, seed: options.seed)
    rows = try TrainingRows(
      sources, graph: teacher.graph, checkpoint: model.checkpoint, names: model.names)
    let headCount = teacher.graph.attentions.map(\.headCount).max() ?? 0
    try requireMemory(
      AttentionComparison.memory(headCount: headCount, length: rows.length),
      of: .length)
  }

  /// What is looked at, in words.
  package var data: String {
    "\(min(options.rowLimit, rows.heldOutCount)) rows of \(rows.length) positions, \(rows.kind)"
  }

  /// Looks at every layer with attention.
  ///
  /// - Throws: What `progress` throws, which is called with the share that is done, and
  ///   `FormatError` for weights that cannot be read.
  package func run(progress: (Double) throws -> Void) throws -> [LayerDiagnosis] {
    try look(progress: progress).layers
  }

  /// Looks at every layer with attention, and then at some heads over the first row.
  ///
  /// - Throws: As `run`.
  package func runWithSamples(progress: (Double) throws -> Void) throws -> (
    layers: [LayerDiagnosis], samples: [AttentionSample]
  ) {
    let (layers, rows) = try look { try progress(0.9 * $0) }
    guard let row = rows.first else { return (layers, []) }
    let tokens = AttentionSample.words(of: row, try TokenizerLoader.load(of: checkpoint))
    var samples = AttentionSample.choice(layers).map {
      AttentionSample(
        $0.diagnosis, head: $0.head, tokens: Array(tokens.prefix(teacher.length(of: row))))
    }
    try AttentionComparison(teacher: teacher, student: student).visit(
      row, progress: { try progress(0.9 + 0.1 * $0) }
    ) { weights in
      for index in samples.indices where samples[index].layer == weights.layer {
        samples[index].add(weights)
      }
    }
    return (layers, samples)
  }

  private func look(progress: (Double) throws -> Void) throws -> (
    layers: [LayerDiagnosis], rows: [ModelInput]
  ) {
    let all = try rows.load(runner: teacher) { _ in try progress(0) }.heldOut
    let rows = all.singleRows(options.rowLimit)
    let comparison = AttentionComparison(teacher: teacher, student: student)
    return (try comparison.layers(of: rows, progress: progress), rows)
  }

  /// Distils every map that the options name against the softmax model, and looks at all layers.
  ///
  /// - Parameters:
  ///   - progress: Told of the distillations' events; what it throws ends the run.
  ///   - report: Given softmax first and then each map as soon as it is known.
  /// - Throws: What the two throw, `PipelineError.diverged`, and `FormatError` for weights that
  ///   cannot be read.
  package func compareMaps(
    progress: ProgressReport, report: (MapDiagnosis) throws -> Void
  ) throws {
    let (training, heldOut) = try rows.load(runner: teacher, report: progress)
    let distilled = Array(0..<min(rows.distillationCount, training.count))
    let comparison = MapComparison(
      teacher: teacher, recipe: recipe, training: training.rows(distilled).input,
      heldOut: heldOut.input, inputs: heldOut.singleRows(options.rowLimit))
    for kind in [nil] + options.maps {
      try report(try comparison.diagnosis(of: kind, progress: progress))
    }
  }
}
