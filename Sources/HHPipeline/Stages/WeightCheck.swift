// Checks of a checkpoint's values that its header cannot show.

internal import HHFormat

/// Refuses weights that cannot be computed with.
struct WeightCheck {
  let checkpoint: Checkpoint
  let names: NameMap

  /// Checks element types, and that every weight is finite unless `allowNonfinite`; a head that the
  /// configuration calls tied must equal the embeddings.
  func run(allowNonfinite: Bool) throws(FormatError) {
    for entry in names.entries {
      let tensor = entry.tensor
      guard tensor.dtype.isComputable else {
        throw FormatError(
          .unsupported, file: checkpoint.path, place: "tensor '\(tensor.name)'",
          problem: "expected dtype F32, F16 or BF16, found \(tensor.dtype.rawValue)")
      }
      if allowNonfinite { continue }
      if let index = try checkpoint.firstNonFinite(tensor.name) {
        throw FormatError(
          .badData, file: checkpoint.path, place: "tensor '\(tensor.name)'",
          problem: "expected finite weights, found one that is not at element \(index)",
          hint: "--allow-nonfinite converts it all the same")
      }
    }
    try checkTies()
  }

  private func checkTies() throws(FormatError) {
    guard names.hyperparameters.bool("tiedHead") else { return }
    for (role, tied) in names.storedTies {
      let (own, source) = (role.tensor.name, tied.tensor.name)
      guard try !checkpoint.equal(own, source) else { continue }
      throw FormatError(
        .badData, file: checkpoint.path, place: "tensor '\(own)'",
        problem: "'tie_word_embeddings' is true: expected the values of '\(source)',"
          + " found others",
        hint: "set 'tie_word_embeddings' to false in the configuration if the head is its own")
    }
  }
}

extension Checkpoint {
  /// Whether two tensors hold the same bytes.
  fileprivate func equal(_ a: String, _ b: String) throws(FormatError) -> Bool {
    try withBytes(of: a) { (x) throws(FormatError) in
      try withBytes(of: b) { (y) throws(FormatError) in
        guard x.byteCount == y.byteCount else { return false }
        // Safe: both spans are lent for the duration of the calls.
        return unsafe x.withUnsafeBytes { x in
          unsafe y.withUnsafeBytes { y in unsafe x.elementsEqual(y) }
        }
      }
    }
  }
}
