// The text of a job array.

import Testing

@testable import hh_convert

@Suite("ArrayScript")
struct ArrayScriptTests {
  private func script(
    models: Int, left: [Int], words: [String] = ["zoo"], needs: ArrayScript.Needs = .init()
  ) -> ArrayScript {
    ArrayScript(
      folder: "/here", program: "/bin/hh-convert", words: words, modelCount: models, left: left,
      threads: 4, needs: needs)
  }

  @Test("only shards with something left are in the array")
  func missing() {
    #expect(script(models: 4, left: [0, 1, 2, 3]).array == "1-4")
    #expect(script(models: 9, left: [8, 2, 3, 0, 4]).array == "1,3-5,9")
    #expect(script(models: 1, left: [0]).array == "1")
  }

  @Test("many models are divided among fewer tasks than Slurm's arrays may have")
  func chunks() {
    let many = script(models: 2500, left: [0, 1000, 2499])
    #expect(many.shardCount == 1000 && many.array == "1,500")
    #expect(many.text.contains(#"--shard "$SLURM_ARRAY_TASK_ID/1000""#))
    #expect(script(models: 2500, left: Array(0..<2500)).array == "1-1000")
  }

  @Test("memory and time have a margin, and time is for all models of a task")
  func needs() {
    let needs = ArrayScript.Needs(memory: 10_000_000_000, seconds: 600)
    let one = script(models: 3, left: [0], needs: needs).text
    #expect(one.contains("--mem=12500M") && one.contains("--time=0:40:00"))
    let three = script(models: 2500, left: [0], needs: needs).text
    #expect(three.contains("--time=1:40:00") && three.contains("--cpus-per-task=4"))
  }

  @Test(
    "a word is quoted where a shell would read another",
    arguments: [
      ("plain-1_/.=,:+@%", "plain-1_/.=,:+@%"), ("", "''"), ("a b", "'a b'"), ("$x", "'$x'"),
      ("it's", "'it'\\''s'"), ("é", "'é'"), ("*", "'*'"),
    ])
  func quoting(word: String, quoted: String) {
    #expect(ArrayScript.quoted(word) == quoted)
  }
}
