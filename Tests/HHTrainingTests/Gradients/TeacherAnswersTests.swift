// Answers that are kept: the same in any order and place, and computed once.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHModel
@testable import HHTraining

@Suite("TeacherAnswers")
struct TeacherAnswersTests {
  /// Rows of several lengths.
  private let input = ModelInput.tokens(
    TokenBatch(
      ids: (0..<7 * 24).map { Int32($0 * 37 % 400) }, length: 24,
      validLengths: [24, 3, 17, 9, 24, 5, 11]))

  private func answers(
    _ runner: ModelRunner, _ rows: [Int], length: Int, of answers: TeacherAnswers
  ) throws -> [Float] {
    let target = Matrix(rows: rows.count * length, columns: runner.graph.hiddenSize)
    try answers.copy(of: rows, length: length, into: target)
    return target.values
  }

  @Test("whatever the order of rows, in memory or on disk, the answers have the same bits")
  func order() throws {
    let directory = try TemporaryDirectory()
    let runner = try Models.trained("bert")
    func rows(_ order: [Int], _ space: SpillSpace) throws -> [[Float]] {
      let answers = try TeacherAnswers(
        of: runner, .teacherStates, to: input, groupSize: 3, space: space)
      _ = try self.answers(runner, order, length: 24, of: answers)
      return try (0..<7).map { try self.answers(runner, [$0], length: 24, of: answers) }
    }
    let first = try rows([0, 1, 2, 3, 4, 5, 6], .memory)
    #expect(try rows([6, 1, 4], .memory) == first)
    #expect(try rows([5, 5, 0], .disk(folder: directory.path)) == first)
    #expect(try directoryEntries(of: directory.path).isEmpty)
    for (row, valid) in [24, 3, 17, 9, 24, 5, 11].enumerated() {
      let alone = try runner.outputs(for: input.rows([row])).hidden
      let width = runner.graph.hiddenSize
      #expect(maximumDifference(alone.values, Array(first[row].prefix(valid * width))) < 1e-4)
      // The last group has one row, whose padding nobody computes.
      if row == 6 { #expect(first[row].dropFirst(valid * width).allSatisfy { $0 == 0 }) }
    }
    #expect(throws: FormatError.self) {
      try TeacherAnswers(
        of: runner, .teacherStates, to: input, groupSize: 3,
        space: .disk(folder: "\(directory.path)/missing"))
    }
  }

  @Test("a group is asked once")
  func once() throws {
    let runner = try Models.trained("bert")
    let kept = try TeacherAnswers(
      of: runner, .teacherStates, to: input, groupSize: 3, space: .memory)
    let before = try answers(runner, [0, 2], length: 24, of: kept)
    let norm = try #require(
      runner.graph.nodes.compactMap { node -> Norm? in
        if case .norm(let norm) = node.operation { norm } else { nil }
      }.last)
    clear(try runner.parameters.pin(norm.weight).values)
    #expect(try answers(runner, [0, 2], length: 24, of: kept) == before)
    let (other, later) = try (
      answers(runner, [3], length: 24, of: kept),
      runner.outputs(for: input.rows([3, 4, 5])).hidden.rows(0..<24)
    )
    #expect(other == later.values)
  }

  @Test(
    "answers are kept where a teacher is asked about rows that come again, or distillation gives half"
  )
  func rule() throws {
    let graph = try Models.trained("gpt2").graph
    func bytes(
      _ kind: ObjectiveKind, _ graph: Graph, rows: Int = 100, shared: Int = 0,
      visits: Double = 101
    ) -> Double? {
      TeacherAnswers.byteCount(
        kind, graph, rowCount: rows, reusableRowCount: shared, length: 10, visits: visits)
    }
    #expect(bytes(.teacherStates, graph) == Double(4 * 100 * 10 * graph.hiddenSize))
    #expect(bytes(.teacherLogits, graph) == bytes(.teacherStates, graph))
    #expect(bytes(.teacherStates, graph, visits: 100) == nil)
    #expect(bytes(.teacherStates, graph, shared: 49, visits: 100) == nil)
    #expect(bytes(.teacherStates, graph, shared: 50, visits: 90) == bytes(.teacherStates, graph))
    #expect(bytes(.nextToken, graph, shared: 100) == nil)
    #expect(bytes(.teacherStates, graph, rows: 1 << 30, visits: 1e12) == nil)
    let image = try Models.trained("vit").graph
    let classes = try #require(image.classifier).classifier.outputs
    #expect(bytes(.teacherLogits, image) == Double(4 * 100 * classes))
    // The states that logits are read off lie beside them.
    #expect(
      bytes(.teacherLogits, image, shared: 10)
        == Double(4 * 100 * classes + 4 * 10 * 10 * image.hiddenSize))
  }
}
