// What a row gives does not depend on the rows beside it, nor on padding behind it.

import HHCompute
import HHData
import HHFormat
import HHModel
import HHTestSupport
import ModelTestSupport
import Testing

@Suite("ModelRunner invariances")
struct ModelRunnerInvarianceTests {
  @Test("a row alone gives what it gives in a batch", arguments: Models.golden)
  func batch(_ name: String) throws {
    let runner = try Models.golden(name)
    let input = try Models.input(name)
    try expectRows(of: runner, input)
    try expectRows(of: runner.rewritten(), input)
  }

  private func expectRows(of runner: ModelRunner, _ input: ModelInput) throws {
    let length = runner.length(of: input)
    let whole = try runner.outputs(for: input)
    for row in 0..<input.rowCount {
      let alone = try runner.outputs(for: input.rows(row..<row + 1))
      let valid = input.tokens?.validLengths?[row] ?? length
      let start = row * length
      #expect(
        maximumDifference(
          alone.hidden.rows(0..<valid).values,
          whole.hidden.rows(start..<start + valid).values) <= 5e-6)
      if let pooled = whole.pooled, let other = alone.pooled {
        #expect(maximumDifference(other.values, pooled.rows(row..<row + 1).values) <= 5e-6)
      }
    }
  }

  @Test(
    "padding changes nothing at valid positions, whatever its tokens",
    arguments: ["bert-model", "bert-masked-lm", "gpt2-base", "llama-gqa"])
  func padding(_ name: String) throws {
    let teacher = try Models.golden(name)
    let full = try #require(try Models.input(name).tokens)
    for runner in [teacher, teacher.rewritten()] {
      for valid in [1, 4, full.length - 1] {
        let ids = (0..<full.rowCount).flatMap { row in
          full.ids[row * full.length..<row * full.length + valid]
        }
        let short = try runner.outputs(for: .tokens(TokenBatch(ids: ids, length: valid)))
        for filler in [Int32(0), 7] {
          var padded = full.ids
          for index in padded.indices where index % full.length >= valid { padded[index] = filler }
          let long = try runner.outputs(
            for: .tokens(
              TokenBatch(
                ids: padded, length: full.length,
                validLengths: Array(repeating: valid, count: full.rowCount))))
          for row in 0..<full.rowCount {
            let a = short.hidden.rows(row * valid..<(row + 1) * valid)
            let b = long.hidden.rows(row * full.length..<row * full.length + valid)
            #expect(maximumDifference(a.values, b.values) <= 1e-5, "row \(row), valid \(valid)")
          }
        }
      }
    }
  }

  @Test("a decoder's hidden states do not know the tokens to come", arguments: ["gpt2", "llama"])
  func causality(_ name: String) throws {
    let teacher = try Models.trained(name)
    for runner in [teacher, teacher.rewritten()] {
      let ids = (0..<96).map { Int32($0 * 37 % 400) }
      let before = try runner.outputs(for: .tokens(TokenBatch(ids: ids, length: 96)))
      var changed = ids
      for index in 70..<96 { changed[index] = 5 }
      let after = try runner.outputs(for: .tokens(TokenBatch(ids: changed, length: 96)))
      #expect(
        maximumDifference(
          before.hidden.rows(0..<70).values, after.hidden.rows(0..<70).values) <= 1e-5)
      #expect(
        maximumDifference(
          before.hidden.rows(70..<96).values, after.hidden.rows(70..<96).values) > 1e-2)
    }
  }
}
