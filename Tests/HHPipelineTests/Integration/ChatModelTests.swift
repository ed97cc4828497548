// SmolLM2-135M-Instruct as people download it, a GGUF of Q4_1, against the package tokenizers.

import Foundation
import HHFormat
import HHTestSupport
import Testing

@testable import HHData
@testable import HHModel

/// The file, which shared/models/get-smollm2 fetches.
private let chatModel = ProcessInfo.processInfo.environment["HH_SMOLLM2"]

@Suite(
  "A chat model", .needsSharedFolder,
  .enabled(if: chatModel != nil, "HH_SMOLLM2 names no SmolLM2-135M-Instruct.Q4_1.gguf"))
struct ChatModelTests {
  @Test(
    // Digits one by one, then byte-level words, as the model was published. transformers 5.24 leaves
    // the digits out where it reads the GGUF, so that '½' of the first text gets two other ids.
    "whole texts have the ids that tokenizers gives them",
    arguments: [
      (
        "wikitext-2/test.txt", 312_144,
        "6ecb49cc3609ae7d45af51ecf05d3413f7671c6005fb9b75420854f1834e5ad8"
      ),
      (
        "tinystories/held-out.txt", 51_591,
        "afb0d881fe707dc0616174ff4696c1c7fc0c22cdddf3990e19521b4153539189"
      ),
    ])
  func ids(_ text: String, _ count: Int, _ digest: String) throws {
    let checkpoint = try Checkpoint(opening: try #require(chatModel))
    let tokenizer = try #require(try TokenizerLoader.load(of: checkpoint))
    let ids = tokenizer.encode(try readText(at: SharedFolder.path("data/\(text)")))
    #expect(ids.count == count)
    let bytes = ids.flatMap { id in (0..<4).map { UInt8(truncatingIfNeeded: id >> (8 * $0)) } }
    #expect(ContentDigest.of(bytes) == digest)
  }

  @Test("a conversation has the ids that transformers' apply_chat_template gives")
  func template() throws {
    let checkpoint = try Checkpoint(opening: try #require(chatModel))
    let tokenizer = try #require(try TokenizerLoader.load(of: checkpoint))
    let template = try ChatTemplate(of: checkpoint, tokenizer)
    #expect(template.family == .chatml)
    #expect(
      tokenizer.encode(template.opening("What is the capital of France?")) == [
        1, 9690, 198, 2683, 359, 253, 5356, 5646, 11173, 3365, 3511, 308, 34519, 28, 7018,
        411, 407, 19712, 8182, 2, 198, 1, 4093, 198, 1780, 314, 260, 3575, 282, 4649, 47, 2,
        198, 1, 520, 9531, 198,
      ])
    #expect(
      tokenizer.encodeContinuation(template.continuation("And of Italy?")) == [
        2, 198, 1, 4093, 198, 3528, 282, 7158, 47, 2, 198, 1, 520, 9531, 198,
      ])
  }
}
