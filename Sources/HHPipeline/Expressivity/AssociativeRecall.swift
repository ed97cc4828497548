// Associative recall: sequences of keys and values, in which a key that comes again asks for its value.

internal import HHCompute

/// The task by which Hedgehog judges feature maps (arXiv 2402.04347, section 3.2; of the kind of H3,
/// arXiv 2212.14052).
///
/// A sequence is pairs of a key and a value. Every sequence draws a value for each key, any of them
/// equally likely and several keys possibly the same one; keys are drawn again and again. Whoever
/// reads a key that came before can name its value, and only from what came before. The last pair's
/// key always came before.
package struct AssociativeRecall: Sendable, Equatable {
  /// Token ids: keys are those below half of it, values the others.
  package var vocabulary = 40
  /// Tokens of a sequence, two for each pair.
  package var length = 128
  /// Sequences to train on.
  package var trainingCount = 10_000
  /// Sequences to choose settings by.
  package var validationCount = 200
  /// Sequences to test with.
  package var testCount = 2_000
  /// Seed of the sequences.
  package var seed: UInt64 = 0

  /// The paper's sizes.
  package init() {}

  /// What is wrong with the sizes, or nil.
  package var problem: (option: String, problem: String)? {
    if vocabulary < 4 || !vocabulary.isMultiple(of: 2) {
      return ("--vocabulary", "expected an even number from 4, found \(vocabulary)")
    }
    if length < 4 || !length.isMultiple(of: 2) {
      return ("--length", "expected an even number from 4, found \(length)")
    }
    return nil
  }

  /// The parts of the data; none has draws in common with another.
  enum Part: String { case training, validation, test }

  /// The sequences of a part.
  func sequences(_ part: Part) -> RecallSequences {
    let count =
      switch part {
      case .training: trainingCount
      case .validation: validationCount
      case .test: testCount
      }
    var generator = SeededGenerator(seed: seed).split("recall \(part.rawValue)")
    var ids: [Int32] = []
    var answers: [Int32] = []
    ids.reserveCapacity(count * length)
    answers.reserveCapacity(count * length)
    for _ in 0..<count { append(to: &ids, &answers, &generator) }
    return RecallSequences(
      tokens: TokenRows(ids: ids, length: length), answers: answers, valueStart: vocabulary / 2)
  }

  /// Adds one sequence and its answers.
  private func append(
    to ids: inout [Int32], _ answers: inout [Int32], _ generator: inout SeededGenerator
  ) {
    let keys = vocabulary / 2
    let values = (0..<keys).map { _ in Int32(keys + generator.uniform(below: keys)) }
    var seen: [Int] = []
    var isSeen = [Bool](repeating: false, count: keys)
    let pairs = length / 2
    for pair in 0..<pairs {
      let isLast = pair == pairs - 1
      let key =
        isLast ? seen[generator.uniform(below: seen.count)] : generator.uniform(below: keys)
      ids += [Int32(key), values[key]]
      answers += [isSeen[key] ? values[key] : RecallSequences.none, RecallSequences.none]
      guard !isSeen[key] else { continue }
      isSeen[key] = true
      seen.append(key)
    }
  }
}

/// Sequences with the answers that they ask for.
struct RecallSequences: Sendable, Equatable {
  /// The label of positions that ask for nothing.
  static let none: Int32 = -100

  let tokens: TokenRows
  /// At every position the token that follows where it is an answer, else `none`; [rows × length].
  let answers: [Int32]
  /// The first token id that is a value.
  let valueStart: Int

  var count: Int { tokens.count }

  /// The rows of the given indices as a model is given them, and what it should answer.
  func batch(_ rows: some Sequence<Int>) -> (input: ModelInput, objective: Objective) {
    let rows = Array(rows)
    let length = tokens.length
    let chosen = rows.flatMap { answers[$0 * length..<($0 + 1) * length] }
    return (input(rows), .maskedTokens(chosen))
  }

  /// The rows of the given indices as a model is given them, the token before each as its type; the
  /// first stands in for the one that it does not have.
  func input(_ rows: some Sequence<Int>) -> ModelInput {
    let ids = tokens.rows(rows).ids
    let previous = ids.indices.map { ids[$0.isMultiple(of: tokens.length) ? $0 : $0 - 1] }
    return .tokens(TokenBatch(ids: ids, length: tokens.length, tokenTypes: previous))
  }

  /// How many answers a model gets right: its likeliest token is the value.
  ///
  /// - Throws: `FormatError` for weights that cannot be read.
  func accuracy(of runner: ModelRunner, batchSize: Int = 32) throws -> RecallAccuracy {
    var (asked, right, lastRight) = (0, 0, 0)
    let length = tokens.length
    for start in stride(from: 0, to: count, by: batchSize) {
      let rows = start..<min(count, start + batchSize)
      guard let logits = try runner.outputs(for: input(rows)).logits else { continue }
      for row in rows {
        for position in 0..<length where answers[row * length + position] >= 0 {
          let index = (row - start) * length + position
          let scores = logits.rows(index..<index + 1).values
          let answer = Int(answers[row * length + position])
          // An answer that is not a number is not right.
          let isRight = scores.indices.allSatisfy { $0 == answer || scores[$0] < scores[answer] }
          asked += 1
          guard isRight else { continue }
          right += 1
          if position == length - 2 { lastRight += 1 }
        }
      }
    }
    return RecallAccuracy(
      last: Double(lastRight) / Double(max(1, count)),
      every: Double(right) / Double(max(1, asked)))
  }
}

/// The share of answers that are right.
package struct RecallAccuracy: Sendable, Equatable {
  /// Of the last pair of each sequence, as the paper counts.
  package let last: Double
  /// Of every pair whose key came before.
  package let every: Double
}
