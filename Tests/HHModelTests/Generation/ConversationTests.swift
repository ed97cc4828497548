// Turns of a conversation against the whole conversation read again, and their limits.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHModel

@Suite("Conversation")
struct ConversationTests {
  private let messages = ["Where is the cat?", "the small dog and the old cat", "a"]

  private func begin(
    _ options: ConversationOptions, _ name: String = "llama", converted: Bool = true
  ) throws -> Conversation {
    let runner = try Models.trained(name)
    let tokenizer = try #require(try TokenizerLoader.load(beside: Fixtures.path("models/\(name)")))
    let generator = try TextGenerator(
      runner: converted ? runner.rewritten() : runner, tokenizer: tokenizer)
    let template = (options.family ?? .llama2).template(
      bos: tokenizer.spelling(of: tokenizer.special.bos),
      eos: tokenizer.spelling(of: tokenizer.special.eos))
    return try Conversation(generator, template: template, options)
  }

  @Test(
    "every answer is that to the whole conversation so far", arguments: ["gpt2", "llama"],
    [true, false])
  func turns(_ name: String, converted: Bool) throws {
    let options = ConversationOptions(maximumTokens: 5)
    var conversation = try begin(options, name, converted: converted)
    let runner = try Models.trained(name)
    let reader = converted ? runner.rewritten() : runner
    var ids: [Int32] = []
    for message in name == "gpt2" ? Array(messages.prefix(2)) : messages {
      let result = try conversation.answer(to: message) { _ in }
      ids += result.promptIDs
      for id in result.ids {
        let batch = TokenBatch(ids: ids, length: ids.count)
        let logits = try #require(try reader.outputs(for: .tokens(batch)).logits)
        let last = logits.rows(ids.count - 1..<ids.count).values
        #expect(try #require(last.max()) - last[Int(id)] <= 1e-4)
        ids.append(id)
      }
      // The token at which an answer is cut off is read with the next message.
      if !result.isEnded { #expect(result.ids.count == 5 && ids.popLast() == result.ids.last) }
    }
  }

  @Test("a message longer than what is read at once has the same answer")
  func longMessage() throws {
    let long = String(repeating: "the cat sat. ", count: 60)
    let options = ConversationOptions(maximumTokens: 6)
    var parts = 0
    var conversation = try begin(options)
    let result = try conversation.answer(to: long) { _ in parts += 1 }
    #expect(result.promptIDs.count > 256 && parts >= 2 + result.ids.count)
    let runner = try Models.trained("llama").rewritten()
    let batch = TokenBatch(ids: result.promptIDs, length: result.promptIDs.count)
    let logits = try #require(try runner.outputs(for: .tokens(batch)).logits)
    let last = logits.rows(logits.rows - 1..<logits.rows).values
    #expect(try #require(last.max()) - last[Int(try #require(result.ids.first))] <= 1e-3)
  }

  @Test("the pieces shown are the answer, and draws depend on the seed")
  func pieces() throws {
    func answer(_ seed: UInt64) throws -> String {
      var text = ""
      var conversation = try begin(
        ConversationOptions(maximumTokens: 20, sampling: SamplingOptions(), seed: seed))
      let result = try conversation.answer(to: "the cat") { text += $0 }
      #expect(result.text == text && !text.contains("[INST]") && !text.contains("the cat"))
      return text
    }
    #expect(try answer(1) == answer(1))
    #expect(try answer(1) != answer(2))
  }

  @Test("a converted model's state does not grow, a softmax model's does")
  func state() throws {
    for converted in [true, false] {
      var conversation = try begin(
        ConversationOptions(maximumTokens: 3), converted: converted)
      _ = try conversation.answer(to: "a") { _ in }
      let first = conversation.stateBytes
      for _ in 0..<20 { _ = try conversation.answer(to: "b") { _ in } }
      #expect((conversation.stateBytes == first) == converted)
    }
  }

  @Test("a conversation beyond the model's positions is refused by what is left of them")
  func positions() throws {
    var conversation = try begin(ConversationOptions(maximumTokens: 1000), "gpt2")
    let first = try conversation.answer(to: "the cat") { _ in }
    #expect(first.isEnded || first.promptIDs.count + first.ids.count == 128)
    let error = #expect(throws: PipelineError.self) {
      try conversation.answer(to: String(repeating: "the cat ", count: 200)) { _ in }
    }
    #expect(error?.description.hasPrefix("message 2: expected at most ") == true)
  }

  @Test("a system's message without a place and more tokens than memory holds are refused")
  func refused() throws {
    let system = ConversationOptions(family: .mistral, system: "a", maximumTokens: 1)
    let error = #expect(throws: PipelineError.self) { try begin(system) }
    #expect(
      error?.description
        == "system: expected none, because the template 'mistral' has no place for it; found one")
    let long = ConversationOptions(maximumTokens: 1 << 40)
    var conversation = try begin(long, converted: false)
    let memory = #expect(throws: PipelineError.self) {
      try conversation.answer(to: "a") { _ in }
    }
    #expect(memory?.description.hasPrefix("max-tokens: expected work that fits") == true)
  }
}
