// One vector for each text or image.

package import HHCompute
package import HHData
internal import HHFormat

/// How the hidden states of a sequence become one vector.
package enum Pooling: String, Sendable, CaseIterable {
  /// Their mean over all positions but padding, as sentence-transformers does.
  case mean
  /// The first position's: BERT's `[CLS]`, ViT's class token.
  case first
  /// The last position's that is no padding, which in a decoder has seen the whole text.
  case last
}

/// Embeds texts or images.
package struct Embedder {
  private let model: OpenedModel
  private let examples: ModelExamples
  private let pooling: Pooling
  private let isNormalized: Bool

  /// Opens a model and reads the examples.
  ///
  /// - Parameters:
  ///   - options: The model and the examples.
  ///   - pooling: Nil takes the mean of an encoder, the first position of a vision model and the last
  ///     of a decoder.
  ///   - isNormalized: Whether vectors are scaled to length 1.
  /// - Throws: `PipelineError` for examples of a kind that the model does not take, `FormatError`
  ///   for files that are missing or broken.
  package init(_ options: InferenceOptions, pooling: Pooling?, isNormalized: Bool) throws {
    ThreadPolicy.use(threads: options.threads)
    model = try OpenedModel(
      opening: options.model, configuration: options.configuration, base: options.base,
      tokenizer: options.tokenizer)
    examples = try options.examples(for: model)
    let usual: Pooling =
      switch model.runner.graph.kind {
      case .encoder: .mean
      case .image: .first
      case .decoder: .last
      }
    self.pooling = pooling ?? usual
    self.isNormalized = isNormalized
  }

  /// Elements of a vector.
  package var size: Int { model.runner.graph.hiddenSize }

  /// The files of the model.
  ///
  /// - Throws: `FormatError` for a folder that cannot be listed.
  package func modelFiles() throws -> [String] { try model.checkpoint.inputFiles() }

  /// A vector of `size` elements for each example, in order.
  ///
  /// - Throws: what `progress` throws, which is called with the share that is done, and
  ///   `FormatError` for weights that cannot be read.
  package func run(progress: (Double) throws -> Void) throws -> [[Float]] {
    var result = [[Float]](repeating: [], count: examples.count)
    try examples.run(model.runner, progress: progress) { indices, input, outputs in
      let vectors = pooled(outputs.hidden, input, by: pooling, isNormalized: isNormalized)
      for (row, index) in indices.enumerated() {
        result[index] = vectors.rows(row..<row + 1).values
      }
    }
    return result
  }
}

/// The vectors of a batch, [rows, hidden size], from its hidden states [rows × length, hidden size].
package func pooled(
  _ hidden: Matrix, _ input: ModelInput, by pooling: Pooling, isNormalized: Bool
) -> Matrix {
  let length = hidden.rows / max(1, input.rowCount)
  let result = Matrix(rows: input.rowCount, columns: hidden.columns)
  for row in 0..<input.rowCount {
    var valid = length
    if case .tokens(let batch) = input { valid = batch.validLengths?[row] ?? length }
    let positions =
      switch pooling {
      case .mean: 0..<valid
      case .first: 0..<1
      case .last: max(0, valid - 1)..<max(1, valid)
      }
    var sums = [Double](repeating: 0, count: hidden.columns)
    for position in positions {
      let place = row * length + position
      for (column, value) in hidden.rows(place..<place + 1).values.enumerated() {
        sums[column] += Double(value)
      }
    }
    let divisor =
      isNormalized
      ? max(1e-12, sums.reduce(0) { $0 + $1 * $1 }.squareRoot()) : Double(max(1, positions.count))
    for (column, sum) in sums.enumerated() { result[row, column] = Float(sum / divisor) }
  }
  return result
}
