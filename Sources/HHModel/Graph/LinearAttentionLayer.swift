// The linear attention of one block: its feature map, its parameters and its window.

package import HHCompute
package import HHFormat

/// The linear attention of one layer.
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
  /// The rotation that features do not see; nil where they see queries and keys as they are.
  package let dropped: Rotary?
  /// What the window's parameters are.
  package let windowFactor: LinearAttentionDescription.WindowFactor
  /// Added to the denominator.
  package let epsilon: Float
  /// What random directions are drawn from; where a file holds them it has no say.
  package let seed: UInt64

  /// The map of one block whose heads have `headSize` elements and turn by `rotary`, in a model of
  /// `maximumLength` positions.
  package init(
    layer: Int, headSize: Int, maximumLength: Int, rotary: Rotary? = nil,
    settings: LinearAttentionSettings = .init()
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
    windowFactor = window > 0 ? settings.windowFactor : .sigmoid
    let positions = settings.positions ?? (window > 0 ? .dropped : .kept)
    dropped = positions == .dropped ? rotary : nil
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

  /// What features see of rotary positions.
  var positions: LinearAttentionDescription.Positions { dropped == nil ? .kept : .dropped }

  /// The function as it is computed.
  var function: any FeatureFunction {
    let function = kind.function(
      .init(
        featureSize: featureSize, hasBias: hasBias, constant: constant ?? 1, seed: seed))
    guard let dropped else { return function }
    return UnrotatedMap(
      function, inverseFrequencies: dropped.frequencies.map(Float.init), scale: dropped.scale)
  }

  /// The layer as it is computed, for a number of heads.
  package func shape(queryHeads: Int, keyValueHeads: Int, headSize: Int) -> LinearAttentionShape {
    let shared: LinearAttentionShape.Sharing =
      switch sharing {
      case .keyValueHead: .keyValueHead
      case .queryHead: .queryHead
      case .allHeads: .allHeads
      }
    let factor: LinearAttentionShape.WindowFactor =
      switch windowFactor {
      case .sigmoid: .sigmoid
      case .exponential: .exponential
      }
    return LinearAttentionShape(
      function: function, sharing: shared, queryHeads: queryHeads, keyValueHeads: keyValueHeads,
      headSize: headSize, window: window, sinks: sinks,
      windowFactor: factor, epsilon: epsilon)
  }
}
