// Hiding tokens for a model to fill in (BERT, arXiv 1810.04805, section 3.1).

internal import HHCompute
internal import HHData
package import HHFormat
package import HHModel

/// How tokens are hidden.
package struct TokenMasking: Sendable, Equatable {
  /// The token that stands for a hidden one.
  let mask: Int32
  /// Tokens that are never hidden, such as those that frame a text.
  let special: Set<Int32>
  /// Tokens that a hidden one may be exchanged for.
  let vocabularySize: Int

  /// Takes the special tokens from a model's tokenizer.
  ///
  /// - Throws: `missingInput` where the model has no tokenizer with a token to mask with.
  package init(_ graph: Graph, _ checkpoint: Checkpoint) throws(FormatError) {
    let tokens = try TokenizerLoader.load(of: checkpoint)?.special
    guard let tokens, let mask = tokens.mask else {
      throw FormatError(
        .missingInput, file: checkpoint.path,
        problem: "expected a tokenizer with a mask token, found none",
        hint: "name its folder in the recipe's 'model.files'")
    }
    try checkTokens(
      [mask], vocabularySize: graph.vocabularySize, file: checkpoint.path, part: "the mask")
    self.init(
      mask: mask, special: Set([tokens.cls, tokens.sep, tokens.padding].compactMap(\.self)),
      vocabularySize: graph.vocabularySize)
  }

  /// Takes the tokens as they are.
  init(mask: Int32, special: Set<Int32>, vocabularySize: Int) {
    (self.mask, self.special, self.vocabularySize) = (mask, special, vocabularySize)
  }

  /// Rows with 15 % of their tokens hidden, at least one in each: of those four fifths are masked, a
  /// tenth is exchanged for any token, a tenth stays; and the hidden tokens as labels, `noLabel` elsewhere.
  func hide(
    _ batch: TokenBatch, _ generator: SeededGenerator
  ) -> (input: ModelInput, labels: [Int32]) {
    var generator = generator
    var ids = batch.ids
    var labels = [Int32](repeating: Objective.noLabel, count: ids.count)
    for row in 0..<batch.rowCount {
      let start = row * batch.length
      let places = (start..<start + (batch.validLengths?[row] ?? batch.length))
        .filter { !special.contains(ids[$0]) }
      guard !places.isEmpty else { continue }
      let count = max(1, Int((0.15 * Double(places.count)).rounded()))
      for index in generator.shuffledIndices(places.count).prefix(count) {
        let place = places[index]
        labels[place] = ids[place]
        switch generator.uniform() {
        case ..<0.8: ids[place] = mask
        case ..<0.9:
          ids[place] = Int32(truncatingIfNeeded: generator.uniform(below: vocabularySize))
        default: break
        }
      }
    }
    let hidden = TokenBatch(
      ids: ids, length: batch.length, validLengths: batch.validLengths,
      tokenTypes: batch.tokenTypes)
    return (.tokens(hidden), labels)
  }
}
