// Checks of a checkpoint's values that its header cannot show.

internal import HHCompute
package import HHFormat
internal import Synchronization

/// Refuses weights that cannot be computed with.
package struct WeightCheck {
  let checkpoint: Checkpoint
  let names: NameMap

  /// Takes every member as it is.
  package init(checkpoint: Checkpoint, names: NameMap) {
    self.checkpoint = checkpoint
    self.names = names
  }

  /// Checks element types, and that every weight is finite unless `allowNonfinite`; a head that the
  /// configuration calls tied must equal the embeddings.
  package func run(allowNonfinite: Bool) throws(FormatError) {
    for tensor in names.entries.map(\.tensor) where !tensor.dtype.isComputable {
      throw FormatError(
        .unsupported, file: checkpoint.path, place: "tensor '\(tensor.name)'",
        problem: "expected dtype F32, F16 or BF16, found \(tensor.dtype.rawValue)")
    }
    if !allowNonfinite { try checkFinite() }
    try checkTies()
  }

  /// Reads every weight, on all threads; of several defects the first is reported.
  package func checkFinite() throws(FormatError) {
    let tensors = names.entries.map(\.tensor)
    let defect = Mutex<(index: Int, error: FormatError)?>(nil)
    parallelFor(count: tensors.count) { range, _ in
      for index in range {
        do throws(FormatError) {
          try checkFinite(tensors[index])
        } catch {
          defect.withLock { if index < $0?.index ?? .max { $0 = (index, error) } }
        }
      }
    }
    if let defect = defect.withLock({ $0 }) { throw defect.error }
  }

  private func checkFinite(_ tensor: TensorDescriptor) throws(FormatError) {
    guard let index = try checkpoint.firstNonFinite(tensor.name) else { return }
    throw Self.nonfinite(at: index, of: tensor.name, in: checkpoint)
  }

  /// What is said of an element that is not finite.
  package static func nonfinite(
    at index: Int, of tensor: String, in checkpoint: Checkpoint
  ) -> FormatError {
    FormatError(
      .badData, file: checkpoint.path, place: "tensor '\(tensor)'",
      problem: "expected finite weights, found one that is not at element \(index)",
      hint: "--allow-nonfinite converts it all the same")
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
