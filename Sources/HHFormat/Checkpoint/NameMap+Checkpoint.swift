// The roles of an opened checkpoint's tensors.

extension NameMap {
  /// Sorts the tensors of an opened softmax model, which is to be run, rewritten or exported.
  ///
  /// - Throws: Beside what the names and shapes break, `unsupported` for an export of a model with
  ///   linear attention, whose tensors alone may be those of a softmax model.
  package init(_ checkpoint: Checkpoint) throws(FormatError) {
    if let name = checkpoint.linearAttentionName {
      throw FormatError(
        .unsupported, file: checkpoint.path,
        problem: "expected a softmax model or an artifact, found \(quoted(name)), an export with"
          + " linear attention, which can be inspected and compared but not run",
        hint: "use the artifact that it was exported from")
    }
    try self.init(
      tensors: checkpoint.tensors, configuration: checkpoint.configuration,
      configurationPath: checkpoint.configurationPath, checkpointPath: checkpoint.path)
  }
}
