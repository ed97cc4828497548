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

  /// Checks element types, and that every weight is finite unless `allowNonfinite`.
  package func run(allowNonfinite: Bool) throws(FormatError) {
    for tensor in names.entries.map(\.tensor) where !tensor.dtype.isComputable {
      throw FormatError(
        .unsupported, file: checkpoint.path, place: "tensor '\(tensor.name)'",
        problem: "expected dtype F32, F16, BF16 or F64, found \(tensor.dtype.rawValue)")
    }
    if !allowNonfinite { try checkFinite() }
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
      remedy: "\(.allowNonfinite) converts it all the same")
  }
}
