// Whether a converted model is still a good one.

internal import HHAnalysis
internal import HHCompute
internal import HHFormat
internal import HHModel
internal import HHTraining

/// What the measurement at the end of a conversion comes to.
package struct Verdict: Sendable, Equatable {
  /// How much of the model is left.
  package enum Grade: String, Sendable, CaseIterable {
    /// As good as the softmax model.
    case kept
    /// A little worse, as a careful conversion is.
    case close
    /// Noticeably worse.
    case worse
    /// Not usable.
    case broken
    /// The figures are not numbers.
    case unknown

    /// The grade in words.
    package var text: String {
      switch self {
      case .kept: "as good as the softmax model on these rows"
      case .close: "close to the softmax model on these rows"
      case .worse: "noticeably worse than the softmax model"
      case .broken: "much worse than the softmax model: do not use it as it is"
      case .unknown: "could not be measured: the model's answers are not numbers"
      }
    }
  }

  /// What may make the result better, from the likeliest on.
  package enum Remedy: String, Sendable, CaseIterable {
    /// Keep the softmax weights of near keys.
    case window
    /// Train the whole model, after its maps.
    case finish
    /// The same on the teacher's logits, which a decoder has for every token.
    case finishOnLogits = "finish-on-logits"
    /// The recipe of that name, for long rows: a window, and a finish on the teacher's logits.
    case hybrid
    /// Train it longer.
    case steps
    /// Keep softmax in some layers.
    case softmaxLayers = "softmax-layers"
    /// Keep it in the layers that are worth most, which a decoder with enough of them can choose.
    case chosenLayers = "chosen-layers"
    /// Train on data of the model's use.
    case data
  }

  package let grade: Grade
  /// The figure that decides, in words.
  package let reason: String
  /// Empty where nothing is lost.
  package let remedies: [Remedy]

  /// The verdict on a measurement of a conversion.
  ///
  /// A language model is judged by its perplexity against the softmax model's, a classifier with
  /// labels by its accuracy, any other model by the mean cosine of the last states. The bounds are
  /// ours: a model that is 5 % worse can hardly be told from its source, one 50 % worse cannot be used.
  ///
  /// - Parameters:
  ///   - result: The measurement.
  ///   - options: What was done, so that only other things are advised.
  ///   - decoderPositions: Most positions of a language model; nil for any other.
  ///   - layerCount: Layers of the model.
  init(
    _ result: EvaluationResult, of options: ConversionOptions, decoderPositions: Int?,
    layerCount: Int
  ) {
    self.init(result) { grade in
      grade == .kept
        ? []
        : Self.remedies(
          for: options, decoderPositions: decoderPositions, layerCount: layerCount)
    }
  }

  /// The verdict on a measurement of a conversion that is long done, with what it advised.
  init(_ result: EvaluationResult, remedies: [Remedy]) { self.init(result) { _ in remedies } }

  private init(_ result: EvaluationResult, remedies: (Grade) -> [Remedy]) {
    func figure(_ name: String) -> EvaluationFigure? { result.figures.first { $0.name == name } }
    let bounds: [Double]
    let loss: Double
    if let perplexity = figure("perplexity"), let teacher = perplexity.teacher {
      loss = perplexity.value / teacher
      bounds = [1.05, 1.15, 1.5]
      reason =
        "perplexity \(Format.fixed(perplexity.value, 2)), \(Format.fixed(loss, 2)) times the softmax"
        + " model's \(Format.fixed(teacher, 2))"
        + (figure("same next token").map { ", the same next token at \(Self.percent($0.value))" }
          ?? "")
    } else if let accuracy = figure("accuracy"), let teacher = accuracy.teacher {
      loss = teacher - accuracy.value
      bounds = [0.01, 0.03, 0.1]
      reason =
        "accuracy \(Self.percent(accuracy.value)), the softmax model's is \(Self.percent(teacher))"
    } else {
      let cosine = figure("cosine of the last states")?.value ?? .nan
      loss = 1 - cosine
      bounds = [0.02, 0.1, 0.25]
      reason =
        "the last states of both models have a cosine of \(Format.fixed(cosine, 3))"
        + (result.figures.first { $0.name.hasPrefix("same ") }
          .map { ", and heads the \($0.name) at \(Self.percent($0.value))" } ?? "")
    }
    let grades: [Grade] = [.kept, .close, .worse, .broken]
    grade = loss.isFinite ? grades[bounds.count { loss > $0 }] : .unknown
    self.remedies = remedies(grade)
  }

  /// Positions of the rows of the recipe 'hybrid'.
  static let hybridLength = 1024

  /// How many layers are advised to keep softmax.
  package static let advisedSoftmaxCount = 3

  private static func remedies(
    for options: ConversionOptions, decoderPositions: Int?, layerCount: Int
  ) -> [Remedy] {
    var remedies: [Remedy] = []
    if decoderPositions != nil, options.attention.window == nil,
      !options.attention.kind.storesLogScales
    {
      remedies.append(.window)
    }
    if options.finetuning.isEnabled {
      remedies.append(.steps)
    } else if let decoderPositions {
      remedies.append(decoderPositions < hybridLength ? .finishOnLogits : .hybrid)
    } else {
      remedies.append(.finish)
    }
    if options.data == nil { remedies.append(.data) }
    if options.attention.keptSoftmax == .layers([]) {
      let choice = decoderPositions != nil && layerCount > advisedSoftmaxCount
      remedies.append(choice ? .chosenLayers : .softmaxLayers)
    }
    return remedies
  }

  private static func percent(_ share: Double) -> String { "\(Format.fixed(100 * share, 1)) %" }
}
