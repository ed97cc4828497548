// Where a decoder's classifier reads a sequence.

internal import HHData
internal import HHFormat

extension ModelRunner {
  /// The last token of each row that is not the model's padding token, as transformers finds it; nil
  /// for a model without a classifier that reads it.
  ///
  /// - Throws: `unsupported` for several rows where the model names no padding token, as transformers
  ///   refuses them.
  func lastTokens(of input: ModelInput) throws(FormatError) -> [Int]? {
    // It is a model's only head.
    guard case .tokens(let batch) = input,
      case .head(.lastTokenClassifier(_, let padding))? = graph.outputNodes.last?.operation
    else { return nil }
    guard let padding else {
      guard batch.rowCount <= 1 else {
        let checkpoint = parameters.checkpoint
        throw FormatError(
          .unsupported,
          file: checkpoint?.configurationPath ?? checkpoint?.path ?? graph.architecture,
          place: "key 'pad_token_id'",
          problem: "expected the padding token, which tells where each of several texts ends, found"
            + " none",
          hint: "add it to the configuration, or run one text at a time")
      }
      return nil
    }
    return (0..<batch.rowCount).map { row in
      let valid = batch.validLengths?[row] ?? batch.length
      let start = row * batch.length
      // A row of nothing but padding is read at its first position.
      return (0..<valid).last { batch.ids[start + $0] != padding } ?? 0
    }
  }
}

extension Activations {
  /// The last valid position of each sequence.
  var lastPositions: [Int] {
    (0..<rowCount).map { max(0, (validLengths?[$0] ?? length) - 1) }
  }
}
