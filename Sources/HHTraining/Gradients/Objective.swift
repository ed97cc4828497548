// What training makes a model do.

internal import HHCompute
internal import HHData
package import HHModel

/// The kinds of objectives, without the data of a batch.
package enum ObjectiveKind: String, Sendable, CaseIterable {
  /// Each token from those before it.
  case nextToken
  /// Tokens of labelled positions: hidden ones of a BERT, answers of a decoder.
  case maskedTokens
  /// The class of each row.
  case classes
  /// A number for each row.
  case values
  /// A teacher's logits: those of tokens or of classes.
  case teacherLogits
  /// A teacher's final hidden states.
  case teacherStates

  /// Whether a teacher says what is right.
  package var asksTeacher: Bool { self == .teacherLogits || self == .teacherStates }

  /// Whether the objective reads a head of a graph.
  package func uses(_ head: Head, in graph: Graph) -> Bool {
    switch head {
    case .lastTokenClassifier: false
    case .pooler:
      [.classes, .values, .teacherLogits].contains(self)
        && graph.nodes.contains {
          if case .head(.classifier(_, usesPooled: true)) = $0.operation { true } else { false }
        }
    case .classifier: [.classes, .values, .teacherLogits].contains(self)
    case .languageModel: [.nextToken, .maskedTokens, .teacherLogits].contains(self)
    case .maskedLanguageModel: [.maskedTokens, .teacherLogits].contains(self)
    }
  }
}

/// The objective of one batch.
package enum Objective {
  /// Mean cross-entropy of each row's tokens from the second on; padding does not count.
  case nextToken
  /// Mean cross-entropy of labelled positions, [rows × length]; negative labels do not count.
  case maskedTokens([Int32])
  /// Mean cross-entropy of the rows' classes.
  case classes([Int32])
  /// Mean squared error of the rows' first logit.
  case values([Float])
  /// Mean over positions (or rows, for classifiers) of T² KL(teacher ‖ model) (arXiv 1503.02531).
  case teacherLogits(Teacher, temperature: Float)
  /// Mean squared error of the final hidden states of valid positions.
  case teacherStates(Teacher)

  /// The label of a position that does not count, the one of `transformers`.
  package static let noLabel: Int32 = -100

  /// The kind.
  package var kind: ObjectiveKind {
    switch self {
    case .nextToken: .nextToken
    case .maskedTokens: .maskedTokens
    case .classes: .classes
    case .values: .values
    case .teacherLogits: .teacherLogits
    case .teacherStates: .teacherStates
    }
  }
}

extension ModelInput {
  /// Labels of the next token at every position, `noLabel` where there is none.
  func nextTokens() -> [Int32] {
    guard case .tokens(let batch) = self else { return [] }
    var labels = [Int32](repeating: Objective.noLabel, count: batch.ids.count)
    for row in 0..<batch.rowCount {
      let valid = batch.validLengths?[row] ?? batch.length
      let start = row * batch.length
      for position in 0..<max(0, valid - 1) {
        labels[start + position] = batch.ids[start + position + 1]
      }
    }
    return labels
  }

  /// 0 at valid positions, `noLabel` at padding.
  func validPositions(length: Int) -> [Int32] {
    guard case .tokens(let batch) = self, let lengths = batch.validLengths else {
      return [Int32](repeating: 0, count: rowCount * length)
    }
    return lengths.flatMap { valid in
      (0..<length).map { $0 < valid ? 0 : Objective.noLabel }
    }
  }
}
