// Made-up inputs.

import HHCompute
import HHTestSupport
import Testing

@testable import HHData

@Suite("SyntheticData")
struct SyntheticDataTests {
  @Test("Encoder rows are framed, ordinary and repeatable")
  func encoderRows() throws {
    let tokenizer = try #require(try TokenizerLoader.load(beside: Fixtures.path("models/bert")))
    let size = tokenizer.vocabularySize
    let ordinary = SyntheticData.ordinaryIDs(vocabularySize: size, tokenizer: tokenizer)
    #expect(!ordinary.isEmpty && ordinary.count < size)
    func rows(_ seed: UInt64) -> TokenRows {
      SyntheticData.encoderRows(
        count: 5, length: 16, ordinary: ordinary, frame: tokenizer.frame,
        generator: SeededGenerator(seed: seed))
    }
    let made = rows(1)
    #expect(made.count == 5 && made.length == 16)
    for row in 0..<5 {
      #expect(made[row].first == tokenizer.special.cls && made[row].last == tokenizer.special.sep)
      #expect(Set(made[row].dropFirst().dropLast()).isSubset(of: ordinary))
    }
    #expect(made == rows(1))
    #expect(made != rows(2))
  }

  @Test("Images are smooth, differ from one another, and repeat")
  func images() throws {
    let shape = ImageShape(channels: 2, height: 12, width: 10)
    let normalization = try ImageNormalization(
      ModelFiles(in: Fixtures.path("models/none")), channels: 2)
    func images(_ seed: UInt64) -> ImageSet {
      SyntheticData.images(
        count: 3, shape: shape, normalization: normalization,
        generator: SeededGenerator(seed: seed))
    }
    let made = images(1)
    #expect(made.count == 3)
    #expect(made.values.allSatisfy { (-1.001...1.001).contains($0) })
    #expect(Array(made[0]) != Array(made[1]))
    #expect(made == images(1))
    #expect(made != images(2))
  }
}
