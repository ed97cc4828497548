// Text from prompts: batches, limits, and the tokens behind the text.

import HHCompute
import HHFormat
import HHTestSupport
import Testing

@testable import HHPipeline

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

  @Test("more tokens than learned positions are refused, whatever rotary ones allow")
  func positions() throws {
    var options = options(["the cat"])
    options.maximumTokens = 100_000
    let error = try #require(throws: PipelineError.self) {
      try generator("gpt2").generate(options) { _, _ in }
    }
    #expect(error.description.hasPrefix("--max-tokens: expected at most "))
    options.maximumTokens = 600
    let long = try generator("llama").generate(options) { _, _ in }[0]
    #expect(long.isEnded || long.ids.count == 600)
  }

  @Test("an encoder is refused")
  func encoder() throws {
    let tokenizer = try #require(try TokenizerLoader.load(beside: Fixtures.path("models/gpt2")))
    let error = try #require(throws: PipelineError.self) {
      try TextGenerator(runner: try Models.trained("bert"), tokenizer: tokenizer)
    }
    #expect(error.description.contains("expected a decoder with a language-model head"))
  }
}
