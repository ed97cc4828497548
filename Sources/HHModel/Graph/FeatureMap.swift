// The linear attention of one block: which feature map, whose parameters, what beside it.

internal import HHCompute
package import HHFormat

/// The feature map of one layer. With rotary positions it sits after them.
package struct FeatureMap: Sendable, Equatable {
  /// The block's number; roles of the parameters are named by it.
  package let layer: Int
  /// The function.
  package let kind: FeatureMapDescription.Kind
  /// Columns of W, before negation; the size of a head for kinds without W.
  package let featureSize: Int
  /// Whether b exists.
  package let hasBias: Bool
  /// What has maps of its own.
  package let sharing: FeatureMapDescription.Sharing
  /// The constant of kinds that have one.
  package let constant: Double?
  /// Nearest keys that keep their softmax weights; 0 for none.
  package let window: Int
  /// Added to the denominator.
  package let epsilon: Float
  /// What random directions are drawn from; where a file holds them it has no say.
  package let seed: UInt64

  /// The map of one block whose heads have `headSize` elements.
  package init(layer: Int, headSize: Int, settings: LinearAttentionSettings = .init()) {
    self.layer = layer
    kind = settings.kind
    featureSize = settings.kind.hasDimension ? settings.dimension ?? headSize : headSize
    hasBias = settings.kind.canHaveBias && settings.bias
    // Products of features need the same directions on both sides, so every head has the same.
    sharing = settings.kind.isRandom ? .allHeads : settings.sharing
    constant = settings.kind.hasConstant ? settings.constant ?? 2 : nil
    window = settings.window ?? 0
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
  }

  /// The function as it is computed.
  var function: any FeatureFunction {
    switch kind {
    case .splitSoftmax: SoftmaxMap(featureSize: featureSize, hasBias: hasBias)
    case .jointSoftmax: SoftmaxMap(featureSize: featureSize, hasBias: hasBias, isJoint: true)
    case .exponential:
      ExponentialMap(featureSize: featureSize, hasBias: hasBias, isNegated: false)
    case .negatedExponential:
      ExponentialMap(featureSize: featureSize, hasBias: hasBias, isNegated: true)
    case .rectifiedProjection: ReluMap(featureSize: featureSize, hasBias: hasBias)
    case .elu: EluMap()
    case .relu: ReluMap()
    case .performer: PerformerMap(featureSize: featureSize, seed: seed)
    case .cosformer: CosFormerMap(horizon: Int(min(constant ?? 1, 1e9)))
    case .taylor: TaylorMap()
    case .exponentialOfInput: FixedExponentialMap(temperature: Float(constant ?? 1))
    }
  }

  /// The layer as it is computed, for a number of heads.
  func design(queryHeads: Int, keyValueHeads: Int, headSize: Int) -> LinearAttentionShape {
    let shared: LinearAttentionShape.Sharing =
      switch sharing {
      case .keyValueHead: .keyValueHead
      case .queryHead: .queryHead
      case .allHeads: .allHeads
      }
    return LinearAttentionShape(
      function: function, sharing: shared, queryHeads: queryHeads, keyValueHeads: keyValueHeads,
      headSize: headSize, window: window, epsilon: epsilon)
  }
}

extension FeatureMapDescription.Kind {
  /// Whether the number of features can be chosen.
  package var hasDimension: Bool {
    switch self {
    case .elu, .relu, .cosformer, .taylor, .exponentialOfInput: false
    default: true
    }
  }

  /// Whether a bias can be added before the function.
  package var canHaveBias: Bool { hasDimension && self != .performer }

  /// Whether the function has directions that are drawn at random.
  package var isRandom: Bool { self == .performer }

  /// Whether the function has a constant.
  package var hasConstant: Bool { self == .cosformer || self == .exponentialOfInput }

  /// Whether features may be of any size, so that they are kept by their logarithms.
  package var hasScales: Bool {
    switch self {
    case .exponential, .negatedExponential, .performer, .exponentialOfInput: true
    default: false
    }
  }
}
