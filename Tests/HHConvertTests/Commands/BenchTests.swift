// Timings from the command line: that they are complete, not what they are.

import HHFormat
import HHTestSupport
import Testing

@Suite("bench")
struct BenchCommandTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("every length has both mechanisms", arguments: [("gpt2", [64]), ("llama", [64, 256])])
  func table(_ name: String, _ contexts: [Int]) throws {
    let made = try Tool.run(
      "models/\(name)", "--stages", "rewrite", "-q", "-o", "out", in: bench.folder)
    #expect(made.status == 0)
    let arguments = ["bench", "out", "--max-context", "256", "--tokens", "2"]
    let outcome = try Tool.run(arguments + ["--json"], in: bench.folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let value = try JSONValue(parsing: Array(outcome.output.utf8))
    let decoding = try #require(value["decoding"]?.array)
    #expect(decoding.compactMap { $0["context"]?.integer } == contexts)
    for entry in decoding {
      let context = try #require(entry["context"]?.integer)
      for side in ["hedgehog", "softmax"] {
        #expect(try #require(entry[side]?["tokens_per_second"]?.double) > 0)
      }
      // Keys and values of 4 bytes in three layers; GPT-2's are 64 wide, Llama's 32.
      let width = name == "gpt2" ? 64 : 32
      #expect(entry["softmax"]?["bytes"]?.integer == 3 * 8 * context * width)
    }
    #expect(Set(decoding.map { $0["hedgehog"]?["bytes"]?.integer }).count == 1)
    #expect(
      value["attention"]?.array?.compactMap { $0["length"]?.integer } == [64, 128, 256])
    let text = try Tool.run(arguments, in: bench.folder)
    #expect(text.lines.first == "decoding, tokens/s and memory of the context")
    #expect(text.lines.contains { $0.hasPrefix("crossover  ") })
  }

  @Test("an encoder writes nothing, its attention is timed all the same")
  func encoder() throws {
    let made = try Tool.run(
      "models/bert", "--stages", "rewrite", "-q", "-o", "out", in: bench.folder)
    #expect(made.status == 0)
    let text = try Tool.run("bench", "out", "--max-context", "64", in: bench.folder)
    #expect(text.status == 0)
    #expect(text.lines.first == "attention of one head over a whole sequence, ms")
  }

  @Test(
    "what cannot be timed is refused",
    arguments: [
      (["bench", "models/gpt2"], 69, "expected a converted model, found a softmax one"),
      (["bench", "none"], 66, "none: "),
      (["bench", "out", "--max-context", "1"], 64, "--max-context: expected 64 to"),
      (["bench", "out", "--tokens", "0"], 64, "--tokens: expected 1 to"),
    ])
  func refused(_ arguments: [String], _ status: Int, _ problem: String) throws {
    let outcome = try Tool.run(arguments, in: bench.folder)
    #expect(outcome.status == Int32(status))
    #expect(outcome.errors.contains(problem), "\(outcome.errors)")
  }
}
