// What a decoder remembers of its text, by the probability of answers.

import HHCompute
import HHData
import HHFormat
import HHTestSupport
import HHTraining
import Testing

@testable import HHAnalysis
@testable import HHModel

@Suite("RecallScorer")
struct RecallScorerTests {
  @Test("a row hides pairs and asks for each of them at the distance that was asked for")
  func rows() {
    var generator = SeededGenerator(seed: 3)
    let text = (0..<300).map { Int32($0 % 50) }
    let row = RecallRow(text: text, distance: 128, tokenizer: nil, using: &generator)
    #expect(row.answers.map(\.name) == ["pairs"])
    // The lead, four pairs, the text between, and the four pairs again in another order.
    #expect(row.ids.count == RecallRow.leadCount + 8 + 128 + 8)
    #expect(row.questions == RecallRow.leadCount + 8 + 128)
    let hidden = row.ids[RecallRow.leadCount..<RecallRow.leadCount + 8]
    #expect(Array(row.ids[..<RecallRow.leadCount]) == Array(text.prefix(RecallRow.leadCount)))
    func pairs(_ ids: ArraySlice<Int32>) -> Set<[Int32]> {
      let ids = Array(ids)
      return Set(stride(from: 0, to: ids.count, by: 2).map { Array(ids[$0..<$0 + 2]) })
    }
    #expect(pairs(hidden) == pairs(row.ids[row.questions...]) && pairs(hidden).count == 4)
    #expect(row.answers[0].positions == [1, 3, 5, 7].map { row.questions + $0 })
  }

  @Test("a passkey stands in the text as in the question")
  func passkey() throws {
    let tokenizer = try #require(
      try TokenizerLoader.load(of: OpenedModel(opening: Fixtures.path("models/gpt2")).checkpoint))
    var generator = SeededGenerator(seed: 4)
    let text = tokenizer.encode(String(repeating: "one cat and two dogs ", count: 80))
    let row = RecallRow(text: text, distance: 40, tokenizer: tokenizer, using: &generator)
    let answer = try #require(row.answers.first)
    #expect(answer.name == "passkey")
    let key = tokenizer.decode(answer.positions.map { row.ids[$0] })
    #expect(key.count == 6 && Int(key.dropFirst()) != nil)
    let written = tokenizer.decode(row.ids)
    #expect(
      written.split(separator: "The pass key is\(key)", omittingEmptySubsequences: false).count == 3
    )
  }

  @Test("figures are probabilities, of the model and of its softmax self")
  func scores() throws {
    let directory = try TemporaryDirectory()
    let text = try directory.write(
      String(repeating: "the cat sat on the mat and ", count: 400), to: "text.txt")
    var options = EvaluationOptions(
      model: Fixtures.path("models/llama"), task: .recall, data: text,
      threads: ThreadPolicy.threads)
    options.teacher = options.model
    options.rowLimit = 2
    let error = #expect(throws: PipelineError.self) {
      var short = options
      short.length = 64
      _ = try Evaluation(short)
    }
    #expect("\(String(describing: error))".contains("expected at least "))
    // However many trials there are to be, none is made before its turn.
    var endless = options
    endless.rowLimit = 1_000_000_000
    #expect(throws: PipelineError.interrupted(signal: 2)) {
      _ = try Evaluation(endless).run { _ in throw PipelineError.interrupted(signal: 2) }
    }
    let figures = try Evaluation(options).run { _ in }
    #expect(figures.map(\.name) == ["passkey at 128", "pairs at 128"])
    for figure in figures {
      #expect((0...1).contains(figure.value) && figure.teacher == figure.value)
    }
  }

  @Test("a softmax model has positions for the longest row, questions included")
  func positions() throws {
    let directory = try TemporaryDirectory()
    let text = try directory.write(
      String(repeating: "the cat sat on the mat and ", count: 2000), to: "text.txt")
    func model(positions: Int) throws -> String {
      var copy = try ModelCopy("llama")
      copy.configuration["max_position_embeddings"] = .integer(positions)
      return try copy.write(to: "\(positions)", in: directory)
    }
    var options = EvaluationOptions(
      model: try model(positions: 4096), task: .recall, data: text, threads: ThreadPolicy.threads)
    options.tokenizer = Fixtures.path("models/llama")
    options.rowLimit = 1
    options.teacher = try model(positions: 2048)
    let error = #expect(throws: PipelineError.self) { try Evaluation(options) }
    #expect(error?.description.hasPrefix("teacher: expected at least 2") == true)
    #expect(error?.description.hasSuffix(" positions, the length, found 2048") == true)
  }
}
