// The linear attention of one block: its feature map, its parameters and its window.

package import HHCompute
package import HHFormat

/// The linear attention of one layer. With rotary positions the feature map sits after them.
package struct LinearAttentionLayer: Sendable, Equatable {
  /// The block's number; roles of the parameters are named by it.
  package let layer: Int
  /// The function.
  package let kind: FeatureMapKind
  /// Columns of W, before negation; the size of a head for kinds without W.
  package let featureSize: Int
  /// Whether b exists.
  package let hasBias: Bool
  /// What has maps of its own.
  package let sharing: LinearAttentionDescription.Sharing
  /// The constant of kinds that have one.
  package let constant: Double?
  /// Nearest keys that keep their softmax weights; 0 for none.
  package let window: Int
  /// First keys of a sequence that keep theirs too; 0 for none.
  package let sinks: Int
  /// Added to the denominator.
  package let epsilon: Float
  /// What random directions are drawn from; where a file holds them it has no say.
  package let seed: UInt64

  /// The map of one block whose heads have `headSize` elements, in a model of `maximumLength`
  /// positions.
  package init(
    layer: Int, headSize: Int, maximumLength: Int, settings: LinearAttentionSettings = .init()
  ) {
    self.layer = layer
    kind = settings.kind
    featureSize = settings.kind.hasDimension ? settings.dimension ?? headSize : headSize
    hasBias = settings.kind.canHaveBias && settings.bias
    // Products of features need the same directions on both sides, so every head has the same.
    sharing = settings.kind.isRandom ? .allHeads : settings.sharing
    constant =
      switch settings.kind.constant {
      case .none: nil
      case .number(let standard): settings.constant ?? standard
      case .positions: settings.constant ?? Double(maximumLength)
      }
    window = settings.window ?? 0
    sinks = window > 0 ? settings.sinks ?? 0 : 0
    epsilon = settings.epsilon
    seed = settings.seed
  }

  /// The role of a parameter that `LinearAttentionShape.parameters` names.
  package func role(of parameter: String) -> String {
    "layers.\(layer).attention.feature_map.\(parameter)"
  }

  /// The map in a few words.
  package var summary: String {
    (kind == .splitSoftmax ? "hedgehog" : kind.rawValue)
      + (window > 0 ? " beside a window of \(window)" : "")
      + (sinks > 0 ? " and \(sinks) sinks" : "")
  }

  /// The function as it is computed.
  var function: any FeatureFunction {
    kind.function(
      .init(
        featureSize: featureSize, hasBias: hasBias, constant: constant ?? 1, seed: seed))
  }

  /// The layer as it is computed, for a number of heads.
  func shape(queryHeads: Int, keyValueHeads: Int, headSize: Int) -> LinearAttentionShape {
    let shared: LinearAttentionShape.Sharing =
      switch sharing {
      case .keyValueHead: .keyValueHead
      case .queryHead: .queryHead
      case .allHeads: .allHeads
      }
    return LinearAttentionShape(
      function: function, sharing: shared, queryHeads: queryHeads, keyValueHeads: keyValueHeads,
      headSize: headSize, window: window, sinks: sinks, epsilon: epsilon)
  }
}
