// The roles of an opened checkpoint's tensors.

extension NameMap {
  /// Sorts the tensors of an opened softmax model, which is to be run, rewritten or exported.
  ///
  /// - Throws: Beside what the names and shapes break, `badData` where a head that the configuration
  ///   calls tied has other values than the embeddings, and `unsupported` for an export of a model
  ///   with linear attention, whose tensors alone may be those of a softmax model.
  package init(_ checkpoint: Checkpoint) throws(FormatError) {
    if let name = checkpoint.linearAttentionName {
      throw FormatError(
        .unsupported, file: checkpoint.path,
        problem: "expected a softmax model, found \(quoted(name)), an export with linear attention",
        hint: "it runs and is exported again as it is; to convert, pass the model it was made from")
    }
    try self.init(
      tensors: checkpoint.tensors, configuration: checkpoint.configuration,
      configurationPath: checkpoint.configurationPath, checkpointPath: checkpoint.path)
    try checkNumbers(of: checkpoint)
    try checkTies(in: checkpoint)
  }

  /// A GGUF file must say what results depend on: the usual value may be another model's.
  private func checkNumbers(of checkpoint: Checkpoint) throws(FormatError) {
    guard let file = checkpoint.ggufFiles.first, let configuration = checkpoint.configuration else {
      return
    }
    for key in schema.configuration
    where key.isRequiredInGGUF && key.value(in: configuration) == nil {
      let name = key.gguf.first ?? key.name
      throw file.error(
        name.replacing("{architecture}", with: schema.ggufArchitecture),
        "expected a value, found none")
    }
  }

  /// Refuses a head that the configuration calls tied and that has other values than the embeddings.
  ///
  /// - Throws: `badData` naming both tensors.
  package func checkTies(in checkpoint: Checkpoint) throws(FormatError) {
    guard hyperparameters.bool("tiedHead") else { return }
    for (role, tied) in storedTies {
      let (own, source) = (role.tensor.name, tied.tensor.name)
      guard try !checkpoint.equal(own, source) else { continue }
      throw FormatError(
        .badData, file: checkpoint.path, place: "tensor \(quoted(own))",
        problem: "'tie_word_embeddings' is true: expected the values of \(quoted(source)),"
          + " found others",
        hint: "set 'tie_word_embeddings' to false in the configuration if the head is its own")
    }
  }
}

extension Checkpoint {
  /// Whether two tensors hold the same bytes.
  fileprivate func equal(_ a: String, _ b: String) throws(FormatError) -> Bool {
    guard let size = self[a]?.byteCount, size == self[b]?.byteCount else { return false }
    for range in windows(over: size) {
      let isEqual = try withBytes(of: a, in: range) { (x) throws(FormatError) in
        try withBytes(of: b, in: range) { (y) throws(FormatError) in
          // Safe: both spans are lent for the duration of the calls.
          unsafe x.withUnsafeBytes { x in
            unsafe y.withUnsafeBytes { y in unsafe x.elementsEqual(y) }
          }
        }
      }
      if !isEqual { return false }
    }
    return true
  }
}
