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

  /// Compares two checkpoints or artifacts.
  ///
  /// - Throws: `FormatError` where one of them cannot be opened or read.
  package init(
    of first: String, and second: String, tolerance: Tolerance? = nil, threads: Int
  ) throws(FormatError) {
    self.first = first
    self.second = second
    self.tolerance = tolerance
    let (a, b) = (try Checkpoint(opening: first), try Checkpoint(opening: second))
    let pairing = TensorPairing(a, b)
    isByRole = pairing.models != nil
    let architecture = pairing.architectures.map {
      SettingDifference(name: "architecture", first: $0.first, second: $0.second)
    }
    settings =
      (pairing.models.map { SettingDifference.all($0.first, $0.second) } ?? [])
      + [architecture, SettingDifference.featureMap(a, b)].compactMap(\.self)
    tensors = try concurrentMap(count: pairing.pairs.count, threads: threads) {
      TensorComparator(a, b, tolerance: tolerance)
    } _: { (comparator, index) throws(FormatError) in
      try comparator.compare(pairing.pairs[index])
    }
  }
}
