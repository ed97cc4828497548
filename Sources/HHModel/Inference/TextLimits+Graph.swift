// What a model can read of a text.

internal import HHData

extension TextLimits {
  /// The limits of a model, with a user's wish for the length or the usual one.
  ///
  /// - Throws: `PipelineError.invalidSetting` for a length that the model has not.
  package init(_ graph: Graph, length: Int?, usual: Int = 256) throws(PipelineError) {
    self.init(
      length: try rowLength(length, maximum: graph.maximumLength, usual: usual),
      vocabularySize: graph.vocabularySize, tokenTypeCount: graph.tokenTypeCount)
  }
}
