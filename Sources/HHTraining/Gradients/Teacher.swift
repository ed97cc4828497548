// The model that a student learns from.

internal import HHCompute
internal import HHData
internal import HHFormat
package import HHModel

/// An unconverted model whose states or logits are a student's goal.
package struct Teacher {
  /// The model, which does not change.
  let runner: ModelRunner
  /// Where its answers are kept, and the rows of the batch among those that are kept.
  private let kept: (answers: TeacherAnswers, rows: [Int])?

  /// A teacher that is asked about every batch anew.
  package init(_ runner: ModelRunner) {
    self.runner = runner
    kept = nil
  }

  /// A teacher that is asked about every row once; see `batch`.
  init(keeping answers: TeacherAnswers) {
    runner = answers.runner
    kept = (answers, [])
  }

  /// The teacher of one batch, which consists of these of the rows that answers are kept of.
  func batch(_ rows: [Int]) -> Teacher { Teacher(runner, kept: kept.map { ($0.answers, rows) }) }

  private init(_ runner: ModelRunner, kept: (answers: TeacherAnswers, rows: [Int])?) {
    self.runner = runner
    self.kept = kept
  }

  /// The final hidden states of a batch, [rows × length, hidden size]; those of padding mean nothing.
  /// They lie in `workspace` until the next call.
  func states(of input: ModelInput, in workspace: Workspace) throws(FormatError) -> Matrix {
    let length = runner.length(of: input)
    let states = workspace.matrix(
      .teacherStates, rows: input.rowCount * length, columns: runner.graph.hiddenSize)
    guard let kept else { return try runner.finalStates(for: input, into: states).hidden }
    try kept.answers.copy(of: kept.rows, length: length, into: states)
    return states
  }

  /// The logits of a batch's rows, [rows, classes]; the model has a classifier.
  func rowLogits(of input: ModelInput, in workspace: Workspace) throws(FormatError) -> Matrix {
    guard let kept else { return try runner.rowLogits(of: input) }
    let logits = workspace.matrix(
      .teacherLogits, rows: input.rowCount, columns: kept.answers.width)
    try kept.answers.copy(of: kept.rows, length: 1, into: logits)
    return logits
  }
}

extension ModelRunner {
  /// The logits of a classifier, [rows, classes].
  func rowLogits(of input: ModelInput) throws(FormatError) -> Matrix {
    let hidden = Matrix(rows: input.rowCount * length(of: input), columns: graph.hiddenSize)
    return try rowLogits(from: finalStates(for: input, into: hidden))
  }

  /// The same, read off final hidden states.
  func rowLogits(from state: Activations) throws(FormatError) -> Matrix {
    guard let logits = try outputs(from: state).logits else {
      preconditionFailure("a teacher of logits has a head")
    }
    return logits
  }
}
