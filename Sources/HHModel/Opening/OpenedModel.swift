// A model opened to run, whatever its format: a softmax checkpoint or a converted model.

package import HHData
package import HHFormat

/// A model that runs, and the files that belong to it.
package struct OpenedModel {
  /// Where its tensors come from.
  package let checkpoint: Checkpoint
  /// The source's tensors, sorted into roles.
  package let names: NameMap
  /// What runs it; in a converted model every rewritten block has its maps.
  package let runner: ModelRunner
  /// The softmax model that was converted, over the same weights; nil for a softmax checkpoint.
  package let teacher: ModelRunner?

  /// Takes a model that is opened already.
  package init(checkpoint: Checkpoint, names: NameMap, runner: ModelRunner, teacher: ModelRunner?) {
    (self.checkpoint, self.names) = (checkpoint, names)
    (self.runner, self.teacher) = (runner, teacher)
  }

  /// Opens a checkpoint, an artifact or an export of one, a delta with the model that it was made from
  /// as `base`, and `tokenizer`, if given, in place of its own; weights are read when they are needed.
  ///
  /// - Throws: `FormatError`, as the opening of either does.
  package init(
    opening path: String, configuration: String? = nil, base: String? = nil,
    tokenizer: String? = nil
  ) throws(FormatError) {
    let checkpoint = try Checkpoint(
      opening: path, configuration: configuration, base: base, tokenizer: tokenizer)
    guard checkpoint.isConverted else {
      self.checkpoint = checkpoint
      names = try NameMap(checkpoint)
      runner = ModelRunner(
        graph: try Graph(names),
        parameters: ParameterStore(checkpoint: checkpoint, names: names, halves: .stored))
      teacher = nil
      return
    }
    let converted = try ConvertedModel(checkpoint)
    self.checkpoint = converted.checkpoint
    names = converted.names
    runner = try converted.runner()
    teacher = ModelRunner(graph: try Graph(names), parameters: runner.parameters)
  }

  /// The files that belong to the model.
  ///
  /// - Throws: `FormatError` for an artifact whose files are damaged.
  package func files() throws(FormatError) -> ModelFiles { try ModelFiles(of: checkpoint) }

  /// The model's tokenizer.
  ///
  /// - Throws: `missingInput` where the model has none, and `FormatError` for a damaged one.
  package func tokenizer() throws(FormatError) -> any Tokenizer {
    if let tokenizer = try TokenizerLoader.load(of: checkpoint) { return tokenizer }
    throw FormatError(
      .missingInput, file: checkpoint.path, problem: "expected the model's tokenizer, found none",
      remedy:
        "name its tokenizer with \(.tokenizer, "FILE|FOLDER"), or put tokenizer.json beside it")
  }
}
