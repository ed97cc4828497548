// What a conversion can be told to do, step by step.

/// A stage of a conversion that can be chosen.
package enum ConversionStage: String, Sendable, CaseIterable {
  /// Every softmax attention block becomes a Hedgehog block whose maps start at the identity.
  case rewrite
  /// The maps are trained to give the attention weights that the softmax gave.
  case distil

  /// What a conversion does unless told otherwise.
  package static let standard: [ConversionStage] = [.rewrite, .distil]

  /// Reads a list such as `rewrite,distil`; nil where it is none: each stage needs those before it.
  package static func list(_ text: String) -> [ConversionStage]? {
    let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard !names.isEmpty, names == allCases.prefix(names.count).map(\.rawValue) else { return nil }
    return Array(allCases.prefix(names.count))
  }
}
