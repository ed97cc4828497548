// What a model can read of a text.

internal import HHData

extension TextLimits {
  /// The limits of a model, with the length that was asked for or the usual one.
  ///
  /// - Throws: `PipelineError.invalidSetting` for a length beyond the model's positions.
  package init(_ graph: Graph, length: Int?, usual: Int = 256) throws(PipelineError) {
    self.init(
      length: try rowLength(length, maximum: graph.maximumLength, usual: usual),
      vocabularySize: graph.vocabularySize, tokenTypeCount: graph.tokenTypeCount)
  }
}
