// Which parameters training changes.

/// Which parameters of a model are trained.
package struct ParameterSelection: Sendable, Equatable {
  /// The model's own weights.
  package var weights: Bool
  /// The feature maps of linear attention, and the factors of its window.
  package var maps: Bool
  /// Adapters on linear maps whose own weights stay.
  package var adapters: LowRankSettings?

  /// Creates a selection.
  package init(weights: Bool, maps: Bool, adapters: LowRankSettings? = nil) {
    self.weights = weights
    self.maps = maps
    self.adapters = adapters
  }

  /// Everything, as the Hedgehog paper finetunes GPT-2, BERT and ViT.
  package static let everything = ParameterSelection(weights: true, maps: true)
  /// The feature maps alone.
  package static let featureMaps = ParameterSelection(weights: false, maps: true)
  /// Adapters and feature maps.
  package static func adapters(_ settings: LowRankSettings) -> ParameterSelection {
    ParameterSelection(weights: false, maps: true, adapters: settings)
  }
}
