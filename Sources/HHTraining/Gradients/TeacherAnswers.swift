// A teacher's answers that are computed once and kept.

internal import HHCompute
internal import HHData
internal import HHFormat
package import HHModel

/// The final hidden states of rows, or their logits where a classifier's are the goal.
///
/// A product may round a row differently beside other rows, so the teacher always runs the same
/// neighbours together, whichever of them a batch asks for: the answers depend on the rows alone,
/// not on the order in which they are asked for, nor on where a run was stopped. Distillation may
/// already have run the first rows through the teacher, with the same neighbours and their padding;
/// the states that it left save work and change no answer.
package final class TeacherAnswers {
  let runner: ModelRunner
  /// Values per position, or per row where logits are kept.
  let width: Int
  private let keepsLogits: Bool
  private let input: ModelInput
  private let groupSize: Int
  /// Rows, from the first on, that are answered with all their padding, as distillation does.
  private let reusableRowCount: Int
  private let passed: TeacherStates?
  /// Of the shared rows and of the others, [rows × length, width].
  private let (shared, others): (Matrix, Matrix)
  /// Positions of a row.
  private let length: Int
  /// Whether the answers of each group are computed.
  private var isKnown: [Bool]
  private let workspace = Workspace()

  /// Prepares to keep the answers to the rows of `input`, which are computed `groupSize` neighbours
  /// at a time when one of them is first asked for.
  ///
  /// - Parameters:
  ///   - runner: The teacher.
  ///   - kind: What the answers are.
  ///   - input: All rows.
  ///   - groupSize: Rows of a group; the last one may have fewer.
  ///   - reusableRowCount: Rows of whole groups that distillation runs too.
  ///   - passed: Their states, where distillation has just left them; their memory is reused.
  ///   - space: Where answers are kept.
  /// - Throws: `FormatError` where `space` has no room.
  init(
    of runner: ModelRunner, _ kind: ObjectiveKind, to input: ModelInput, groupSize: Int,
    reusableRowCount: Int = 0, passed: TeacherStates? = nil, space: SpillSpace
  ) throws(FormatError) {
    precondition(groupSize > 0, "a group has rows")
    precondition(
      reusableRowCount == input.rowCount || reusableRowCount.isMultiple(of: groupSize),
      "whole groups")
    (self.runner, self.input, self.groupSize) = (runner, input, groupSize)
    (self.reusableRowCount, self.passed) = (reusableRowCount, passed)
    let size = Self.size(kind, runner.graph, length: runner.length(of: input))
    (keepsLogits, length, width) = (size.isLogits, size.length, size.width)
    if let passed, !keepsLogits {
      shared = passed.states.rows(0..<reusableRowCount * length)
    } else {
      shared = try space.matrix(rows: reusableRowCount * length, columns: width)
    }
    others = try space.matrix(rows: (input.rowCount - reusableRowCount) * length, columns: width)
    isKnown = Array(repeating: false, count: (input.rowCount + groupSize - 1) / groupSize)
  }

  /// Copies the first `length` positions of the answers to `rows` into `target`, row after row.
  /// Positions beyond a group's longest row are zeros.
  func copy(of rows: [Int], length: Int, into target: Matrix) throws(FormatError) {
    for (index, row) in rows.enumerated() {
      if !isKnown[row / groupSize] { try ask(group: row / groupSize) }
      let source = place(of: row, length: length)
      HHCompute.copy(source, to: target.rows(index * length..<(index + 1) * length))
      evict(source)
    }
  }

  private func ask(group: Int) throws(FormatError) {
    let rows = group * groupSize..<min(input.rowCount, (group + 1) * groupSize)
    let part = rows.upperBound <= reusableRowCount ? input.rows(rows) : input.rows(Array(rows))
    let state = try finalStates(of: part, rows, group: group)
    let length = keepsLogits ? 1 : state.length
    let answers = keepsLogits ? try runner.rowLogits(from: state) : state.hidden
    for (index, row) in rows.enumerated() {
      let target = place(of: row, length: length)
      HHCompute.copy(answers.rows(index * length..<(index + 1) * length), to: target)
      evict(target)
    }
    isKnown[group] = true
  }

  /// The states that heads read, in scratch memory.
  private func finalStates(
    of part: ModelInput, _ rows: Range<Int>, group: Int
  ) throws(FormatError) -> Activations {
    let length = runner.length(of: part)
    let states = workspace.matrix(
      .teacherStates, rows: rows.count * length, columns: runner.graph.hiddenSize)
    guard let passed, rows.upperBound <= reusableRowCount, passed.batches.contains(group) else {
      return try runner.finalStates(for: part, into: states)
    }
    let source = passed.states.rows(rows.lowerBound * length..<rows.upperBound * length)
    HHCompute.copy(source, to: states)
    evict(source)
    var state = Activations(hidden: states, rowCount: rows.count)
    try runner.run(runner.graph.outputNodes, &state)
    return state
  }

  /// Where the first `length` positions of a row's answers are kept.
  private func place(of row: Int, length: Int) -> Matrix {
    let (values, first) = row < reusableRowCount ? (shared, row) : (others, row - reusableRowCount)
    return values.rows(first * self.length..<first * self.length + length)
  }

  private static func size(
    _ kind: ObjectiveKind, _ graph: Graph, length: Int
  ) -> (isLogits: Bool, length: Int, width: Int) {
    // A vocabulary's logits would be larger than all else: the head computes them from the states
    // again.
    guard kind == .teacherLogits, graph.tokenHead == nil, let head = graph.classifier else {
      return (false, length, graph.hiddenSize)
    }
    return (true, 1, head.classifier.outputs)
  }
}

extension TeacherAnswers {
  /// Most bytes of answers that are kept: beyond, they would take a disk as large as the data of a
  /// large model's training.
  private static let mostBytes = 16e9

  /// Bytes of the answers to `rowCount` rows that are visited `visits` times in all, or nil where
  /// they are not kept. What is computed depends on it, so it knows nothing of the machine.
  ///
  /// Answers to rows that are visited once are kept where distillation gives half of them or more:
  /// for fewer, the work saved is not worth the memory.
  package static func byteCount(
    _ kind: ObjectiveKind, _ graph: Graph, rowCount: Int, reusableRowCount: Int = 0, length: Int,
    visits: Double
  ) -> Double? {
    guard kind.asksTeacher, visits > Double(rowCount) || 2 * reusableRowCount >= rowCount else {
      return nil
    }
    let size = size(kind, graph, length: length)
    var bytes = 4 * Double(rowCount) * Double(size.length) * Double(size.width)
    if size.isLogits {
      bytes += 4 * Double(reusableRowCount) * Double(length) * Double(graph.hiddenSize)
    }
    return bytes <= mostBytes ? bytes : nil
  }
}
