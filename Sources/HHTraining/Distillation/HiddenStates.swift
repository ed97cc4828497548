// The hidden states of many sequences, advanced through the teacher a block at a time.

internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel

/// Hidden states of all rows at one depth of the model, in 32-bit floats.
struct HiddenStates {
  /// [rows × length, hidden size].
  let states: Matrix
  let rowCount: Int
  let length: Int
  private let validLengths: [Int]?
  /// Row ranges that pass together.
  let chunks: [Range<Int>]

  /// Embeds every row of an input, `rowsPerChunk` at a time, into `space`.
  init(
    _ input: ModelInput, _ runner: ModelRunner, rowsPerChunk: Int, space: SpillSpace = .memory
  ) throws(FormatError) {
    let length = runner.length(of: input)
    self.length = length
    rowCount = input.rowCount
    states = try space.matrix(rows: rowCount * length, columns: runner.graph.hiddenSize)
    if case .tokens(let batch) = input {
      validLengths = batch.validLengths
    } else {
      validLengths = nil
    }
    let count = rowCount
    chunks = stride(from: 0, to: count, by: rowsPerChunk).map {
      $0..<min(count, $0 + rowsPerChunk)
    }
    for range in chunks {
      let part = states.rows(range.lowerBound * length..<range.upperBound * length)
      _ = try runner.embed(input.rows(range), into: part)
      evict(part)
    }
  }

  private init(states: Matrix, rowCount: Int, length: Int, validLengths: [Int]?) {
    self.states = states
    self.rowCount = rowCount
    self.length = length
    self.validLengths = validLengths
    chunks = [0..<rowCount]
  }

  /// A copy of some rows, to be advanced without moving these.
  func copy(of rows: Range<Int>) -> HiddenStates {
    let source = states.rows(rows.lowerBound * length..<rows.upperBound * length)
    let target = Matrix(rows: source.rows, columns: source.columns)
    HHCompute.copy(source, to: target)
    return HiddenStates(
      states: target, rowCount: rows.count, length: length,
      validLengths: validLengths.map { Array($0[rows]) })
  }

  /// Queries and keys of some rows in a block, which replaces the rows by its output if `advancing`.
  func queryKey(_ teacher: TeacherLayer, rows: Range<Int>, advancing: Bool) throws(FormatError)
    -> LayerQKV
  {
    let part = states.rows(rows.lowerBound * length..<rows.upperBound * length)
    defer { evict(part) }
    return try teacher.queryKey(
      of: part, rowCount: rows.count, validLengths: validLengths.map { Array($0[rows]) },
      advancing: advancing)
  }

  /// Replaces every row by a block's output.
  func advance(_ teacher: TeacherLayer) throws(FormatError) {
    for rows in chunks { _ = try queryKey(teacher, rows: rows, advancing: true) }
  }

  /// Replaces the rows of all batches that steps visit, but those that have passed, by a block's
  /// output; batch by batch, since products of other sizes may round differently.
  func advance(
    _ teacher: TeacherLayer, batchesOf schedule: BatchSchedule, but passed: Set<Int> = []
  ) throws(FormatError) {
    for batch in Set(schedule.order).subtracting(passed).sorted() {
      _ = try queryKey(teacher, rows: schedule.batches[batch], advancing: true)
    }
  }
}
