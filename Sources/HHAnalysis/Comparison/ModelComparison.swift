// Two models of any formats, compared tensor by tensor.

package import HHFormat

/// The comparison of two files that hold tensors.
package struct ModelComparison: Sendable, Equatable {
  /// The paths as given.
  package let first: String
  package let second: String
  /// How far apart values may be; nil asks for the same bits.
  package let tolerance: Tolerance?
  /// The first file's tensors in its order, then those that only the second has.
  package let tensors: [TensorComparison]
  /// Settings that make the two different models.
  package let settings: [SettingDifference]
  /// Whether the tensors were matched by their roles, so that prefixes and ties do not matter.
  package let isByRole: Bool

  /// Whether nothing differs.
  package var isEqual: Bool {
    settings.isEmpty && tensors.allSatisfy { $0.isEqual(within: tolerance) }
  }

  /// Compares two checkpoints or artifacts; `base` is the model that those of them that are deltas
  /// were made from.
  ///
  /// - Throws: `FormatError` where one of them cannot be opened or read, and `unsupported` for a
  ///   base where neither is a delta.
  package init(
    of first: String, and second: String, base: String? = nil, tolerance: Tolerance? = nil,
    threads: Int
  ) throws(FormatError) {
    var (a, b) = (try Checkpoint(opening: first), try Checkpoint(opening: second))
    if let base {
      guard a.isDelta || b.isDelta else {
        throw FormatError(
          .unsupported, file: base,
          problem: "expected a delta to complete with this base, found none",
          remedy: "without \(.base) the two are compared as they are")
      }
      if a.isDelta { a = try Checkpoint(opening: first, base: base) }
      if b.isDelta { b = try Checkpoint(opening: second, base: base) }
    }
    try self.init(a, b, tolerance: tolerance, threads: threads)
  }

  private init(
    _ a: Checkpoint, _ b: Checkpoint, tolerance: Tolerance?, threads: Int
  ) throws(FormatError) {
    first = a.path
    second = b.path
    self.tolerance = tolerance
    let pairing = TensorPairing(a, b)
    isByRole = pairing.models != nil
    let architecture = pairing.architectures.map {
      SettingDifference(name: "architecture", first: $0.first, second: $0.second)
    }
    settings =
      (pairing.models.map { SettingDifference.all($0.first, $0.second) } ?? [])
      + [architecture, SettingDifference.linearAttention(a, b)].compactMap(\.self)
    tensors = try concurrentMap(count: pairing.pairs.count, threads: threads) {
      TensorComparator(a, b, tolerance: tolerance)
    } _: { (comparator, index) throws(FormatError) in
      try comparator.compare(pairing.pairs[index])
    }
  }
}
