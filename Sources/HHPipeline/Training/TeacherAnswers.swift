// A teacher's answers, computed once for rows that come again.

internal import HHCompute
internal import HHFormat

/// The final hidden states of rows, or their logits where a classifier's are the goal.
///
/// A product may round a row otherwise among other rows, so the teacher always sees the same
/// neighbours together, whichever of them a batch asks for: the answers depend on the rows alone, not
/// on the order in which they are asked for, nor on where a run was stopped.
final class TeacherAnswers {
  let runner: ModelRunner
  /// Values per position, or per row where logits are kept.
  let width: Int
  private let keepsLogits: Bool
  private let input: ModelInput
  private let groupSize: Int
  /// [rows × length, width].
  private let values: Matrix
  /// Positions of a row.
  private let length: Int
  /// By group.
  private var isKnown: [Bool]
  private let workspace = Workspace()

  /// Prepares to keep the answers to the rows of `input`, which are computed `groupSize` neighbours
  /// at a time when one of them is first asked for.
  ///
  /// - Throws: `FormatError` where `space` has no room.
  init(
    of runner: ModelRunner, _ kind: ObjectiveKind, to input: ModelInput, groupSize: Int,
    space: SpillSpace
  ) throws(FormatError) {
    precondition(groupSize > 0, "a group has rows")
    (self.runner, self.input, self.groupSize) = (runner, input, groupSize)
    let size = Self.size(kind, runner.graph, length: runner.length(of: input))
    (keepsLogits, length, width) = (size.isLogits, size.length, size.width)
    values = try space.matrix(rows: input.rowCount * length, columns: width)
    isKnown = Array(repeating: false, count: (input.rowCount + groupSize - 1) / groupSize)
  }

  /// Copies the first `length` positions of the answers to `rows`, one row's behind the other's.
  /// Positions behind a group's longest row are zeros.
  func copy(of rows: [Int], length: Int, into target: Matrix) throws(FormatError) {
    for (index, row) in rows.enumerated() {
      if !isKnown[row / groupSize] { try ask(group: row / groupSize) }
      let source = values.rows(row * self.length..<row * self.length + length)
      HHCompute.copy(source, to: target.rows(index * length..<(index + 1) * length))
      evict(source)
    }
  }

  private func ask(group: Int) throws(FormatError) {
    let rows = group * groupSize..<min(input.rowCount, (group + 1) * groupSize)
    let part = input.rows(Array(rows))
    let length = keepsLogits ? 1 : runner.length(of: part)
    let answers: Matrix
    if keepsLogits {
      answers = try runner.rowLogits(of: part)
    } else {
      let states = workspace.matrix(.teacherStates, rows: rows.count * length, columns: width)
      answers = try runner.finalStates(for: part, into: states).hidden
    }
    for (index, row) in rows.enumerated() {
      let target = values.rows(row * self.length..<row * self.length + length)
      HHCompute.copy(answers.rows(index * length..<(index + 1) * length), to: target)
      evict(target)
    }
    isKnown[group] = true
  }

  private static func size(
    _ kind: ObjectiveKind, _ graph: Graph, length: Int
  ) -> (isLogits: Bool, length: Int, width: Int) {
    // A vocabulary's logits would be larger than all else; the head reads them off the states again.
    guard kind == .teacherLogits, graph.tokenHead == nil, let head = graph.classifier else {
      return (false, length, graph.hiddenSize)
    }
    return (true, 1, head.classifier.outputs)
  }
}

extension TeacherAnswers {
  /// Bytes up to which answers are kept. Beyond, a disk would have to be as large as the data of a
  /// large model's training.
  private static let mostBytes = 16e9

  /// Bytes of the answers to `rowCount` rows that are visited `visits` times in all, or nil where
  /// they are not kept. What is computed depends on it, so it knows nothing of the machine.
  static func byteCount(
    _ kind: ObjectiveKind, _ graph: Graph, rowCount: Int, length: Int, visits: Double
  ) -> Double? {
    guard kind.asksTeacher, visits > Double(rowCount) else { return nil }
    let size = size(kind, graph, length: length)
    let bytes = 4 * Double(rowCount) * Double(size.length) * Double(size.width)
    return bytes <= mostBytes ? bytes : nil
  }
}
