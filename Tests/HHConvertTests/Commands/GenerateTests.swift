// Text from the command line: an artifact alone is enough, prompts and their errors.

import HHFormat
import HHTestSupport
import Testing

@Suite("Generate")
struct GenerateTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test(
    "a converted model writes with the tokenizer that its artifact carries",
    arguments: ["gpt2", "llama"])
  func artifact(_ name: String) throws {
    #expect(try Tool.run(Bench.short(name) + ["-q", "-o", "out"], in: bench.folder).status == 0)
    let arguments = ["generate", "out", "-p", "the cat", "--max-tokens", "8"]
    let text = try Tool.run(arguments, in: bench.folder)
    #expect(text.status == 0)
    #expect(text.output.hasPrefix("the cat"))
    let json = try Tool.run(arguments + ["-p", "a dog", "--json"], in: bench.folder)
    #expect(json.lines.count == 2)
    let first = try parse(try #require(json.lines.first))
    let words = try #require(first["text"]?.string)
    #expect(text.output == "the cat\(words)\n")
    #expect(first["tokens"]?.array.map { $0.count <= 8 && !$0.isEmpty } == true)
  }

  @Test("prompts come from a file, draws from a seed")
  func prompts() throws {
    try bench.folder.write("the cat\n\na dog\n", to: "prompts.txt")
    func run(_ seed: String) throws -> Tool.Outcome {
      try Tool.run(
        "generate", "models/gpt2", "--prompts", "prompts.txt", "--temperature", "1", "--top-k",
        "50", "--seed", seed, "--max-tokens", "12", in: bench.folder)
    }
    let first = try run("1")
    #expect(first.status == 0 && first.lines.count >= 2)
    #expect(try run("1").output == first.output)
    #expect(try run("2").output != first.output)
    // A byte order mark is part of no prompt.
    try bench.folder.write("\u{FEFF}the cat\r\n\r\na dog\r\n", to: "prompts.txt")
    #expect(try run("1").output == first.output)
  }

  @Test(
    "what cannot be written is refused",
    arguments: [
      (["generate", "models/bert", "-p", "a"], 69, "expected a decoder"),
      (["generate", "models/gpt2"], 64, "expected either --prompt or --prompts"),
      (
        ["generate", "models/gpt2", "-p", "a", "--top-p", "0"], 64, "--top-p: expected more than 0"
      ),
      (["generate", "models/gpt2", "-p", "a", "--max-tokens", "999999"], 64, "--max-tokens: "),
      (
        ["generate", "models/gpt2", "-p", "a", "-p", String(repeating: "the cat ", count: 200)], 64,
        "error: prompt 2: expected at most 127 tokens (the model's 128 positions less one"
      ),
      (
        ["generate", "models/gpt2", "-p", "a", "--top-k", "5"], 64,
        "--top-k: expected --temperature beside it, found none"
      ),
      (
        ["generate", "models/gpt2", "-p", "a", "--top-p", "0.5"], 64,
        "--top-p: expected --temperature beside it, found none"
      ),
      (
        ["generate", "models/gpt2", "-p", "a", "--seed", "0"], 64,
        "--seed: expected --temperature beside it, found none"
      ),
      (["generate", "none", "-p", "a"], 66, "none: "),
      (["generate", "models/gpt2", "--prompts", "none.txt"], 66, "none.txt: "),
    ])
  func refused(_ arguments: [String], _ status: Int, _ problem: String) throws {
    let outcome = try Tool.run(arguments, in: bench.folder)
    #expect(outcome.status == Int32(status))
    #expect(outcome.errors.contains(problem), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }
}
