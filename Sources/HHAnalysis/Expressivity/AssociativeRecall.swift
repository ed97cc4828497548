// Associative recall: sequences of keys and values, of which the last key asks for its value.

internal import HHCompute
internal import HHData
package import HHFormat
internal import HHModel
internal import HHTraining

/// The task by which Hedgehog judges feature maps (arXiv 2402.04347, section 3.2; of the kind of H3,
/// arXiv 2212.14052).
///
/// A sequence is pairs of a key and a value. Every sequence draws a value for each key, any of them
/// equally likely and several keys possibly the same one; keys are drawn again and again. The last
/// pair's key came before, so whoever reads it can name its value, and only from what came before:
/// that is the one answer of a sequence.
package struct AssociativeRecall: Sendable, Equatable {
  /// Token ids: keys are those below half of it, values the others.
  package var vocabulary = 40
  /// Tokens of a sequence, two for each pair.
  package var length = 128
  /// Sequences to train on.
  package var trainingCount = 10_000
  /// Sequences to choose settings by.
  package var validationCount = 500
  /// Sequences to test with.
  package var testCount = 2_000
  /// Seed of the sequences.
  package var seed: UInt64 = 0

  /// The paper's sizes.
  package init() {}

  /// What is wrong with the sizes, or nil.
  package var problem: (setting: SettingKey, problem: String)? {
    if vocabulary < 4 || !vocabulary.isMultiple(of: 2) {
      return (.vocabulary, "expected an even number from 4, found \(vocabulary)")
    }
    if length < 4 || !length.isMultiple(of: 2) {
      return (.length, "expected an even number from 4, found \(length)")
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
    ids.reserveCapacity(count * length)
    for _ in 0..<count { append(to: &ids, &generator) }
    return RecallSequences(tokens: TokenRows(ids: ids, length: length))
  }

  /// Adds one sequence.
  private func append(to ids: inout [Int32], _ generator: inout SeededGenerator) {
    let keys = vocabulary / 2
    let values = (0..<keys).map { _ in Int32(keys + generator.uniform(below: keys)) }
    var drawn = (0..<length / 2 - 1).map { _ in generator.uniform(below: keys) }
    // Each key that came before is as likely, however often it came.
    let seen = Set(drawn).sorted()
    drawn.append(seen[generator.uniform(below: seen.count)])
    for key in drawn { ids += [Int32(key), values[key]] }
  }
}

/// Sequences whose last token is the answer to the one before it.
struct RecallSequences: Sendable, Equatable {
  let tokens: TokenRows

  /// Sequences that a model is tested with at a time.
  static let batchSize = 32

  var count: Int { tokens.count }
  private var length: Int { tokens.length }

  /// The value that the last key of each of the given rows asks for.
  private func answers(_ rows: some Sequence<Int>) -> [Int32] {
    rows.map { tokens.ids[($0 + 1) * length - 1] }
  }

  /// The rows of the given indices as a model is given them, and what it should answer.
  func batch(_ rows: some Sequence<Int>) -> (input: ModelInput, objective: Objective) {
    let rows = Array(rows)
    let nothing = [Int32](repeating: Objective.noLabel, count: length - 2)
    return (
      input(rows), .maskedTokens(answers(rows).flatMap { nothing + [$0, Objective.noLabel] })
    )
  }

  /// The rows of the given indices as a model is given them, the token before each as its type; the
  /// first stands in for the one that it does not have.
  func input(_ rows: some Sequence<Int>) -> ModelInput {
    let ids = tokens.rows(rows).ids
    let previous = ids.indices.map { ids[$0.isMultiple(of: length) ? $0 : $0 - 1] }
    return .tokens(TokenBatch(ids: ids, length: length, tokenTypes: previous))
  }

  /// The share of answers that a model gets right: its likeliest token is the value.
  ///
  /// - Throws: `FormatError` for weights that cannot be read.
  func accuracy(of runner: ModelRunner, batchSize: Int = Self.batchSize) throws -> Double {
    var right = 0
    for start in stride(from: 0, to: count, by: batchSize) {
      let rows = start..<min(count, start + batchSize)
      guard let logits = try runner.outputs(for: input(rows)).logits else { continue }
      for (row, answer) in answers(rows).enumerated() {
        let position = (row + 1) * length - 2
        let (scores, answer) = (logits.rows(position..<position + 1).values, Int(answer))
        // An answer that is not a number is not right.
        let isRight = scores.indices.allSatisfy { $0 == answer || scores[$0] < scores[answer] }
        right += isRight ? 1 : 0
      }
    }
    return Double(right) / Double(max(1, count))
  }
}

extension SettingKey {
  /// Keys and values of associative recall.
  static let vocabulary = SettingKey(option: "vocabulary")
}
