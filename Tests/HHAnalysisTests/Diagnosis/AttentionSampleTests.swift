// Heads that are shown token by token.

import HHData
import HHFormat
import HHTestSupport
import Testing

@testable import HHAnalysis

@Suite("AttentionSample")
struct AttentionSampleTests {
  private func samples(_ model: String, length: Int?) throws -> [AttentionSample] {
    var options = DiagnosisOptions(model: Fixtures.path("models/\(model)"), threads: 2)
    (options.length, options.rowLimit) = (length, 1)
    options.data = model == "vit" ? nil : Fixtures.path("data/held-out.txt")
    return try Diagnosis(options).runWithSamples { _ in }.samples
  }

  @Test("weights of a causal head and of one that sees all", arguments: ["llama", "bert", "vit"])
  func weights(_ model: String) throws {
    let samples = try samples(model, length: model == "vit" ? nil : 18)
    #expect(samples.count == 3)
    for sample in samples {
      let count = model == "vit" ? 17 : 18
      #expect(sample.tokens.count == count)
      for weights in [sample.softmax, sample.model] {
        #expect(weights.map(\.count) == (0..<count).map { model == "llama" ? $0 + 1 : count })
        for row in weights { #expect(abs(row.reduce(0, +) - 1) < 1e-3) }
      }
      #expect(sample.points.count == (model == "llama" ? 15 + 16 + 17 + 18 : 4 * count))
    }
    let divergences = samples.map(\.statistics.divergence)
    #expect(divergences == divergences.sorted(by: >))
  }

  @Test("softmax weights rise with the dot product")
  func monotone() throws {
    for sample in try samples("gpt2", length: 18) {
      let last = sample.points.suffix(18).sorted { $0.product < $1.product }.map(\.softmax)
      #expect(last == last.sorted())
    }
  }

  @Test("tokens are shown with their spaces, on one line and cut")
  func tokens() {
    let texts = [" the", "\n", "", "a very long token", "\u{1B}[2J"]
    let batch = TokenBatch(ids: [0, 1, 2, 3, 4], length: 5)
    let words = AttentionSample.words(of: .tokens(batch), WordTokenizer(words: texts))
    #expect(words == ["␣the", "⏎", "#2", "a␣very␣lo…", "\\u{1B}[2J"])
    #expect(AttentionSample.words(of: .tokens(batch), nil).first == "#0")
  }
}

/// Whole texts as tokens.
private struct WordTokenizer: Tokenizer {
  let words: [String]
  var vocabularySize: Int { words.count }
  var special = SpecialTokens()
  let frame = TokenFrame()
  let added = AddedTokens()
  init(words: [String]) { self.words = words }
  func encode(_ text: String) -> [Int32] { [] }
  func decode(_ ids: [Int32]) -> String { ids.map { words[Int($0)] }.joined() }
}
