// Whether a decoder still finds what stood far back in its text.

internal import Glibc
internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel

/// The probability of an answer that the text gave a known number of tokens before its question.
///
/// Two things are hidden in running text and asked for at its end: a passkey in a sentence, and pairs
/// of tokens, of which the first is followed by the second again. A figure is the mean over trials of
/// the geometric mean of the answer's token probabilities. Models without a tokenizer have pairs only.
struct RecallScorer: Scorer {
  private let text: TokenRows
  private let tokenizer: (any Tokenizer)?
  private let distances: [Int]
  private let trialCount: Int

  /// Tokens between what is hidden and its question, as far as they fit.
  private static let usualDistances = [128, 256, 512, 1024, 2048]
  /// Trials of each distance unless told otherwise.
  private static let usualTrials = 16

  /// The most tokens that a row has, however many positions a model has.
  static func longestRow(_ tokenizer: (any Tokenizer)?) -> Int {
    (usualDistances.last ?? 0) + RecallRow.besides(tokenizer)
  }

  init(_ options: EvaluationOptions, _ model: OpenedModel) throws {
    let graph = model.runner.graph
    guard graph.hasLanguageModelHead else {
      throw PipelineError.invalidSetting(
        .task, problem: "recall needs a decoder with a language-model head, found none")
    }
    let length = try rowLength(options.length, maximum: graph.maximumLength, usual: .max)
    tokenizer = try TokenizerLoader.load(of: model.checkpoint)
    let beside = RecallRow.besides(tokenizer)
    distances = Self.usualDistances.filter { $0 + beside <= length }
    guard let longest = distances.last else {
      throw PipelineError.invalidSetting(
        .length,
        problem: "expected at least \(Self.usualDistances[0] + beside) tokens, of which a question"
          + " lies \(Self.usualDistances[0]) behind its answer, found \(length)")
    }
    let source = try DataSource(
      at: options.data, for: .decoder(length: longest + RecallRow.leadCount), tokenizer: tokenizer,
      vocabularySize: graph.vocabularySize, files: try model.files(), columns: options.columns)
    guard case .tokens(let text) = source.rows else {
      preconditionFailure("a decoder's rows are tokens")
    }
    self.text = text
    trialCount = options.rowLimit ?? Self.usualTrials
  }

  var description: String {
    "\(trialCount) trials at each of \(distances.map(String.init).joined(separator: ", ")) tokens"
  }

  func score(_ runner: ModelRunner, progress: (Double) throws -> Void) throws -> [Metric] {
    let total = Double(distances.reduce(0, +)) * Double(trialCount)
    var (done, metrics) = (0.0, [Metric]())
    for distance in distances {
      var sums: [(name: String, value: Double)] = []
      // Every model gets the same rows, of which one at a time is in memory.
      var generator = SeededGenerator(seed: UInt64(distance))
      for index in 0..<trialCount {
        let part = index % text.count
        let row = RecallRow(
          text: text.rows(part..<part + 1).ids, distance: distance, tokenizer: tokenizer,
          using: &generator)
        for (index, answer) in try row.probabilities(runner).enumerated() {
          if index == sums.count { sums.append((answer.name, 0)) }
          sums[index].value += answer.value
        }
        done += Double(distance)
        try progress(done / total)
      }
      metrics += sums.map {
        Metric(name: "\($0.name) at \(distance)", value: $0.value / Double(trialCount))
      }
    }
    return metrics
  }
}

/// One text with things hidden in it, and the questions at its end.
struct RecallRow {
  let ids: [Int32]
  /// Where the questions begin.
  let questions: Int
  /// What each kind of question is called, and the ids that answer it by their positions in `ids`.
  let answers: [(name: String, positions: [Int])]

  /// Tokens of running text before what is hidden.
  static let leadCount = 32
  private static let pairCount = 4
  private static let question = "\nThe pass key is"

  /// Most tokens beside those between what is hidden and its question.
  static func besides(_ tokenizer: (any Tokenizer)?) -> Int {
    let passkey = tokenizer.map {
      2 * ($0.encode(question).count + $0.encode(" 00000").count + 8)
        + $0.encode(". Remember it.\n").count + $0.frame.prefix.count
    }
    return leadCount + 4 * pairCount + (passkey ?? 0)
  }

  /// Hides a passkey, where there is a tokenizer, and pairs of the text's own tokens.
  init(
    text: [Int32], distance: Int, tokenizer: (any Tokenizer)?,
    using generator: inout SeededGenerator
  ) {
    var (hidden, asked) = ([Int32](), [Int32]())
    var answers: [(name: String, positions: [Int])] = []
    if let tokenizer {
      let question = tokenizer.encode(Self.question)
      let key = tokenizer.encode(" \(Int.random(in: 10_000...99_999, using: &generator))")
      hidden = question + key + tokenizer.encode(". Remember it.\n")
      asked = question + key
      answers.append(("passkey", Array(question.count..<asked.count)))
    }
    var tokens = Array(Set(text)).sorted()
    tokens.shuffle(using: &generator)
    let pairs = (0..<Self.pairCount).map { index in
      // A text of few tokens has to use some twice.
      (key: tokens[2 * index % tokens.count], value: tokens[(2 * index + 1) % tokens.count])
    }
    for pair in pairs { hidden += [pair.key, pair.value] }
    var positions: [Int] = []
    for pair in pairs.shuffled(using: &generator) {
      asked += [pair.key, pair.value]
      positions.append(asked.count - 1)
    }
    answers.append(("pairs", positions))
    let lead = (tokenizer?.frame.prefix ?? []) + text.prefix(Self.leadCount)
    let between = text.dropFirst(Self.leadCount).prefix(distance)
    let start = lead.count + hidden.count + between.count
    ids = lead + hidden + between + asked
    questions = start
    self.answers = answers.map { ($0.name, $0.positions.map { $0 + start }) }
  }

  /// The geometric mean of the probabilities of each answer's tokens.
  func probabilities(_ runner: ModelRunner) throws -> [(name: String, value: Double)] {
    let states = try runner.lastStates(of: TokenRows(ids: ids, length: ids.count))
    // A position's state predicts the next one's token.
    let range = questions - 1..<ids.count - 1
    let scratch = ScratchSpace()
    return try answers.map { name, positions in
      let labels = range.map { positions.contains($0 + 1) ? ids[$0 + 1] : -1 }
      let hidden = Activations(hidden: states.rows(range), rowCount: range.count)
      guard let logits = try runner.outputs(from: hidden).logits else { return (name, .nan) }
      let loss = Loss.crossEntropy(labels: labels).evaluate(logits, weight: nil, scratch: scratch)
      return (name, exp(-loss / Double(positions.count)))
    }
  }
}
