// Conversations from the command line: their messages, their ends and their errors.

import HHData
import HHFormat
import HHTestSupport
import Testing

@Suite("Generate: chat")
struct GenerateChatTests {
  let bench: Bench
  private let chat = ["generate", "models/llama", "--chat", "--template", "llama-2"]

  init() throws { bench = try Bench() }

  private func shell(_ line: String) throws -> Tool.Outcome {
    try Tool.shell(
      "chat='\(chat.dropFirst().joined(separator: " ")) --max-tokens 6'\n\(line)",
      in: bench.folder)
  }

  @Test("answers come without the message and the template, one for each message")
  func messages() throws {
    let one = try Tool.run(chat + ["-p", "the cat", "--max-tokens", "6"], in: bench.folder)
    #expect(one.status == 0 && one.errors.isEmpty)
    #expect(!one.output.contains("INST") && !one.output.contains("the cat"))
    #expect(one.output.hasSuffix("\n") && one.output.count > 1)
    let given = try shell(#"$hh generate $chat -p "the cat" -p "a dog" --json"#)
    let piped = try shell(#"printf 'the cat\r\n\n \na dog' | $hh generate $chat --json"#)
    #expect(given.status == 0 && given.lines.count == 2)
    #expect(piped.output == given.output && piped.errors.isEmpty)
    #expect(try parse(given.lines[0])["text"]?.string.map { $0 + "\n" } == one.output)
    // A turn reads its own message only.
    let read = try given.lines.map { try #require(try parse($0)["prompt_tokens"]?.integer) }
    #expect(read[1] < read[0] + 6)
    let plain = try shell(#"printf 'the cat\na dog\n' | $hh generate $chat"#)
    #expect(plain.output.hasPrefix(one.output))
  }

  @Test("an artifact talks by the template that it carries")
  func artifact() throws {
    try bench.folder.write(
      "{% for message in messages %}{{ '<|user|>\\n' + message['content'] + eos_token + '\\n' }}"
        + "{% endfor %}{{ '<|assistant|>\\n' }}", to: "m/chat_template.jinja")
    for name in ["config.json", "model.safetensors", "tokenizer.model", "tokenizer_config.json"] {
      try bench.folder.write(readBytes(at: Fixtures.path("models/llama/\(name)")), to: "m/\(name)")
    }
    let convert = ["m", "--stages", "rewrite", "-q", "-o", "out"]
    #expect(try Tool.run(convert, in: bench.folder).status == 0)
    let arguments = ["generate", "out", "--chat", "-p", "a", "--max-tokens", "3"]
    let own = try Tool.run(arguments, in: bench.folder)
    let named = try Tool.run(arguments + ["--template", "zephyr"], in: bench.folder)
    #expect(own.status == 0 && own.output == named.output)
  }

  @Test("a signal ends a conversation that waits for a message, without an error")
  func signal() throws {
    let outcome = try shell(
      """
      coproc hh { exec $hh generate $chat --json 2> errors; }
      echo 'the cat' >&${hh[1]}
      read -r line <&${hh[0]}
      pid=$hh_PID
      kill -INT $pid
      wait $pid
      echo "$? $(cat errors)"
      """)
    #expect(outcome.output == "130 \n")
  }

  @Test(
    "what cannot be talked with is refused",
    arguments: [
      (["models/gpt2", "--system", "a", "-p", "a"], 64, "--system: expected --chat beside it"),
      (["models/gpt2", "--template", "x", "--chat"], 64, "--template: expected chatml, llama-2"),
      (["models/gpt2", "--chat", "--prompts", "p"], 64, "--prompts: expected none beside --chat"),
      (
        ["models/gpt2", "--chat", "-p", "a"], 66,
        "models/gpt2: expected a chat template among the model's files, found none\n"
          + "hint: choose one of chatml, llama-2, llama-3, zephyr, mistral with --template NAME"
      ),
      (
        ["models/gpt2", "--chat", "-p", "a", "--template", "chatml"], 69,
        "chat template 'chatml': expected a tokenizer with the token that ends its messages"
      ),
      (
        ["models/llama", "--chat", "--template", "mistral", "--system", "a", "-p", "a"], 64,
        "--system: expected none, because the template 'mistral' has no place for it"
      ),
      (["models/bert", "--chat", "-p", "a"], 69, "expected a decoder"),
    ])
  func refused(_ arguments: [String], _ status: Int, _ problem: String) throws {
    let outcome = try Tool.run(["generate"] + arguments, in: bench.folder)
    #expect(outcome.status == Int32(status))
    #expect(outcome.errors.contains(problem), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }

  @Test("messages that are no text are refused by their line")
  func badInput() throws {
    let binary = try shell(#"printf 'a\n\xff\n' | $hh generate $chat"#)
    #expect(binary.status == 65)
    #expect(binary.errors == "error: standard input: line 2: expected UTF-8, found other bytes\n")
    let long = try shell("head -c 3000000 /dev/zero | $hh generate $chat")
    #expect(long.status == 65)
    #expect(
      long.errors == "error: standard input: line 1: expected at most 1.0 MB, found more\n")
  }
}
