// What a model is worth on a task, beside the softmax model it was converted from.

internal import HHCompute
internal import HHFormat
package import HHModel
package import HHTraining

/// What to measure and on what.
package struct EvaluationOptions: Sendable {
  /// An artifact or a checkpoint.
  package var model: String
  /// A configuration in place of the model's own.
  package var configuration: String?
  /// The model that a delta was made from.
  package var base: String?
  /// A tokenizer in place of the model's own: a folder, or one of its files.
  package var tokenizer: String?
  /// The softmax model to compare with; nil takes an artifact's own source weights.
  package var teacher: String?
  /// What is measured.
  package var task: EvaluationTask
  /// The examples.
  package var data: String
  /// The names of the columns that hold the texts; nil for the usual ones.
  package var columns: [String]?
  /// Tokens per row of a language model; longest text of an encoder. Nil means 256, or as many as
  /// the positions allow.
  package var length: Int?
  /// Most rows or examples, from the first.
  package var rowLimit: Int?
  /// Threads to use.
  package var threads: Int
  /// A branch of linear attention that is left out; nil for none.
  package var ablated: AttentionBranch?
  /// Whether a language model's perplexity is also given by position.
  package var isByPosition = false

  /// Creates options.
  package init(model: String, task: EvaluationTask, data: String, threads: Int) {
    self.model = model
    self.task = task
    self.data = data
    self.threads = threads
  }
}

/// One figure of a model, and of its teacher.
package struct EvaluationFigure: Sendable, Equatable {
  package let name: String
  package let value: Double
  /// The softmax model's figure; nil where there is none to compare with.
  package let teacher: Double?
  /// Whether a smaller value is a better one.
  package let isCost: Bool
  /// Numbers of tokens before those that the figure is of; nil for a figure of all.
  package var positions: ClosedRange<Int>?

  /// Takes every member as it is.
  package init(name: String, value: Double, teacher: Double?, isCost: Bool) {
    self.name = name
    self.value = value
    self.teacher = teacher
    self.isCost = isCost
  }

  /// How much of the teacher's figure is kept: their quotient, 1 for an equal one.
  package var recovered: Double? {
    teacher.map { isCost ? $0 / value : value / $0 }
  }
}

/// An evaluation, opened and checked.
package struct Evaluation {
  private let options: EvaluationOptions
  private let model: OpenedModel
  private let teacher: ModelRunner?
  private let scorer: any Scorer

  /// Opens the models and reads the data.
  ///
  /// - Throws: `PipelineError` for a task that the model has no head for and for a teacher that does
  ///   not fit it, `FormatError` for files that are missing or broken.
  package init(_ options: EvaluationOptions) throws {
    ThreadPolicy.use(threads: options.threads)
    self.options = options
    let model = try OpenedModel(
      opening: options.model, configuration: options.configuration, base: options.base,
      tokenizer: options.tokenizer)
    self.model = model
    if let branch = options.ablated { try model.runner.leaveOut(branch) }
    let other = try options.teacher.map { try OpenedModel(opening: $0) }
    // First what the model itself cannot be measured on.
    scorer = try options.task.scorer(options, model)
    if let other { try options.checkTeacher(other, of: model) }
    teacher = other?.runner ?? model.teacher
  }

  /// What is measured on, in words.
  package var data: String { scorer.description }

  /// Measures the model and then its teacher.
  ///
  /// - Throws: what `progress` throws, which is called with the share that is done, from 0 to 1, and
  ///   `FormatError` for weights that cannot be read.
  package func run(progress: (Double) throws -> Void) throws -> [EvaluationFigure] {
    try scorer.figures(model.runner, teacher: teacher, progress: progress)
  }
}

extension EvaluationTask {
  /// What measures a model on the data of the options.
  package func scorer(_ options: EvaluationOptions, _ model: OpenedModel) throws -> any Scorer {
    switch self {
    case .languageModel: try LanguageModelScorer(options, model)
    case .classification: try ClassificationScorer(options, model)
    case .glue:
      model.runner.graph.classCount == 1
        ? try RegressionScorer(options, model) : try ClassificationScorer(options, model)
    case .similarity: try SimilarityScorer(options, model)
    case .summarise: try SummaryScorer(options, model)
    case .recall: try RecallScorer(options, model)
    }
  }
}

/// A figure of one model.
package struct Metric {
  let name: String
  let value: Double
  var isCost = false
}

/// Measures any model on one task's examples.
package protocol Scorer {
  /// The examples, in words.
  var description: String { get }
  /// The task's figures, always the same ones in the same order.
  func score(_ runner: ModelRunner, progress: (Double) throws -> Void) throws -> [Metric]
  /// The figures of a model beside those of its teacher, where there is one.
  func figures(
    _ runner: ModelRunner, teacher: ModelRunner?, progress: (Double) throws -> Void
  ) throws -> [EvaluationFigure]
}

extension Scorer {
  package func figures(
    _ runner: ModelRunner, teacher: ModelRunner?, progress: (Double) throws -> Void
  ) throws -> [EvaluationFigure] {
    let parts = teacher == nil ? 1.0 : 2.0
    let own = try score(runner) { try progress($0 / parts) }
    let other = try teacher.map { try score($0) { try progress(($0 + 1) / parts) } }
    return own.enumerated().map { index, metric in
      EvaluationFigure(
        name: metric.name, value: metric.value, teacher: other?[index].value,
        isCost: metric.isCost)
    }
  }
}
