// Settings as options of a command line.

import ArgumentParser
import HHCompute
import HHFormat
import HHModel
import HHPipeline
import HHTraining
import Testing

@testable import hh_convert

@Suite("SettingOption")
struct SettingOptionTests {
  private func options(_ words: String...) throws -> ConversionOptions {
    try ConversionArguments.parse(words).options(model: "m")
  }

  @Test("what is given is put into the settings, and nothing else changes")
  func given() throws {
    var expected = ConversionOptions(model: "m", threads: 2)
    #expect(try options("--threads", "2") == expected)
    (expected.attention.kind, expected.attention.window) = (.elu, 4)
    expected.attention.softmaxLayers = [0, 3]
    expected.attention.sinks = 1
    (expected.seed, expected.distillation.learningRate) = (.max, 0.5)
    (expected.maximumMemory, expected.distillation.budget) = (2_000_000_000, 90)
    (expected.finetuning.steps, expected.finetuning.loss) = (6, .teacherHidden)
    (expected.distillation.precision, expected.finetuning.precision) = (.bfloat16, .bfloat16)
    var lora = LowRankSettings()
    (lora.rank, lora.alpha) = (3, 6)
    expected.finetuning.lora = lora
    let found = try options(
      "--threads=2", "--feature-map", "elu", "--window", "4", "--sinks=1", "--keep-softmax=3,0",
      "--seed=18446744073709551615", "--lr", "0.5", "--max-memory", "2GB", "--budget=1m30s",
      "--finetune-steps", "6", "--finetune-loss", "teacher-hidden", "--precision", "bfloat16",
      "--lora", "3")
    #expect(found == expected)
  }

  @Test("a stage that no recipe describes has the batches of distillation")
  func batches() throws {
    #expect(try options("--batch", "3", "--finetune-steps", "1").finetuning.batchSize == 3)
    #expect(try options("--finetune-steps", "1").finetuning.batchSize == 8)
  }

  @Test("the words for another process say the same, but for the threads")
  func words() throws {
    let words = [
      "--stages=rewrite,distil", "--window=4", "--data=a b", "--max-memory=2GB", "--delta",
    ]
    #expect(try ConversionArguments.parse(words + ["--threads=3"]).words == words)
  }

  @Test(
    "a value that is none is refused in words",
    arguments: [
      ("--window=0", "--window: expected 1 to 1048576, found 0"),
      ("--sinks=65", "--sinks: expected 1 to 64, found 65"),
      ("--lr=nan", "--lr: expected a positive number, found nan"),
      ("--seed=-1", "--seed: expected at least 0, found -1"),
      ("--steps=many", "expected a whole number, found 'many'"),
      ("--lr=x", "expected a number, found 'x'"),
      ("--keep-softmax=1,", "expected numbers such as 0,11, or auto:3, found '1,'"),
      ("--feature-map=elo", "found 'elo'; did you mean 'elu'?"),
      ("--lora=0", "expected a rank from 1 to 4096, found '0'"),
    ])
  func refused(_ word: String, _ message: String) {
    let error = #expect(throws: (any Error).self) { try ConversionArguments.parse([word]) }
    #expect(error.map { ConversionArguments.message(for: $0).contains(message) } == true)
  }
}
