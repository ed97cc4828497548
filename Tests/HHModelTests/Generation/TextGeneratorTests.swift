// Text from prompts: batches, limits, and the tokens behind the text.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHModel

@Suite("TextGenerator")
struct TextGeneratorTests {
  private func generator(_ name: String, converted: Bool = true) throws -> TextGenerator {
    let runner = try Models.trained(name)
    let tokenizer = try #require(try TokenizerLoader.load(beside: Fixtures.path("models/\(name)")))
    return try TextGenerator(runner: converted ? runner.rewritten() : runner, tokenizer: tokenizer)
  }

  private func options(_ prompts: [String], _ sampling: SamplingOptions = .init(temperature: 0))
    -> GenerationOptions
  {
    GenerationOptions(prompts: prompts, maximumTokens: 12, sampling: sampling, seed: 3)
  }

  private let prompts = ["the cat", "a", "the small dog and the old cat walk"]

  @Test(
    "what follows a prompt does not depend on the prompts beside it", arguments: ["gpt2", "llama"],
    [SamplingOptions(temperature: 0), SamplingOptions(topK: 20)])
  func batch(_ name: String, _ sampling: SamplingOptions) throws {
    let generator = try generator(name)
    let together = try generator.generate(options(prompts, sampling)) { _, _ in }
    let first = try generator.generate(options([prompts[0]], sampling)) { _, _ in }
    #expect(together[0] == first[0])
    if sampling.temperature == 0 {
      for (prompt, result) in zip(prompts, together) {
        #expect(try generator.generate(options([prompt])) { _, _ in } == [result])
      }
    }
  }

  @Test("greedy text is the likeliest token after each prefix")
  func greedy() throws {
    let generator = try generator("gpt2", converted: false)
    let result = try generator.generate(options(["the cat"])) { _, _ in }[0]
    let runner = try Models.trained("gpt2")
    var ids = result.promptIDs
    for id in result.ids {
      let batch = TokenBatch(ids: ids, length: ids.count)
      let logits = try #require(try runner.outputs(for: .tokens(batch)).logits)
      let last = logits.rows(ids.count - 1..<ids.count).values
      #expect(last[Int(id)] == last.max())
      ids.append(id)
    }
    #expect(result.ids.count == 12 || result.isEnded)
  }

  @Test("the pieces of text reported are the text")
  func pieces() throws {
    var text = ["", "", ""]
    let results = try generator("llama").generate(options(prompts, .init())) { row, piece in
      text[row] += piece
    }
    #expect(results.map(\.text) == text)
    #expect(!text[0].isEmpty)
  }

  /// Each position of a sequence is the next byte of a text, whatever its token.
  private struct ByteTokenizer: Tokenizer {
    let text: String
    let vocabularySize = 2
    var special = SpecialTokens()
    let frame = TokenFrame()
    let added = AddedTokens()

    func encode(_ text: String) -> [Int32] { text.utf8.map { _ in 1 } }
    func decode(_ ids: [Int32]) -> String {
      String(decoding: text.utf8.prefix(ids.count), as: UTF8.self)
    }
  }

  @Test("marks, modifiers and newlines that join what precedes them are written, never half of one")
  func joining() throws {
    let whole = "e\u{301}x\r\n\u{1F44D}\u{1F3FD}."
    let runner = try Models.trained("llama").rewritten()
    let generator = try TextGenerator(runner: runner, tokenizer: ByteTokenizer(text: whole))
    for (count, end) in [(14, "\u{1F3FD}."), (12, "\u{FFFD}")] {
      var pieces: [String] = []
      var options = options(["e"])
      options.maximumTokens = count
      let result = try generator.generate(options) { pieces.append($1) }[0]
      #expect(pieces.count == count)
      #expect(Array(result.text.utf8) == Array("\u{301}x\r\n\u{1F44D}\(end)".utf8))
      #expect(pieces.flatMap { Array($0.utf8) } == Array(result.text.utf8))
      #expect(!pieces.dropLast().contains { $0.unicodeScalars.contains("\u{FFFD}") })
    }
  }

  @Test("prompts that memory holds one by one only get the same text", arguments: [true, false])
  func groups(converted: Bool) throws {
    var generator = try generator("llama", converted: converted)
    let options = options(prompts, SamplingOptions(topK: 20))
    let together = try generator.generate(options) { _, _ in }
    generator.memoryLimit = 1
    var order: [Int] = []
    let apart = try generator.generate(options) { row, _ in order.append(row) }
    #expect(apart == together)
    #expect(order == order.sorted() && Set(order) == [0, 1, 2])
    #expect(DecodingSession.groupSize(rowCount: 1000, rowBytes: 1 << 20) == 256)
    #expect(DecodingSession.groupSize(rowCount: 2, rowBytes: 1 << 40) == 1)
  }

  @Test("more tokens than memory holds are refused")
  func memory() throws {
    var options = options(["the cat"])
    options.maximumTokens = 1 << 40
    let error = try #require(throws: PipelineError.self) {
      try generator("llama", converted: false).generate(options) { _, _ in }
    }
    #expect(error.description.hasPrefix("max-tokens: expected work that fits"))
  }

  @Test("more tokens than learned positions are refused, whatever rotary ones allow")
  func positions() throws {
    var options = options(["the cat"])
    options.maximumTokens = 100_000
    let error = try #require(throws: PipelineError.self) {
      try generator("gpt2").generate(options) { _, _ in }
    }
    #expect(error.description.hasPrefix("max-tokens: expected at most "))
    options.maximumTokens = 600
    let long = try generator("llama").generate(options) { _, _ in }[0]
    #expect(long.isEnded || long.ids.count == 600)
  }

  @Test("an encoder is refused")
  func encoder() throws {
    let tokenizer = try #require(try TokenizerLoader.load(beside: Fixtures.path("models/gpt2")))
    let error = try #require(throws: FormatError.self) {
      try TextGenerator(runner: try Models.trained("bert"), tokenizer: tokenizer)
    }
    #expect(error.description.contains("expected a decoder with a language-model head"))
  }

  @Test("a prompt with a token that the model has no embedding for is refused")
  func foreignTokens() throws {
    let generator = try TextGenerator(
      runner: Models.trained("gpt2"), tokenizer: ForeignTokenizer())
    let error = #expect(throws: FormatError.self) {
      try generator.generate(options(["the cat", "abc"])) { _, _ in }
    }
    #expect(error?.file == "prompt 1" && error?.place == "token 1")
    #expect(error?.problem == "expected an id from 0 to 511, found 512")
  }
}

/// Gives every text an id that the fixtures' models do not have.
private struct ForeignTokenizer: Tokenizer {
  let vocabularySize = 513
  var special = SpecialTokens()
  let frame = TokenFrame()
  let added = AddedTokens()
  func encode(_ text: String) -> [Int32] { [1, 512] }
  func decode(_ ids: [Int32]) -> String { "" }
}
