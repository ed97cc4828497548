// How attention is rewritten: the choices that a user has, and an artifact records.

package import HHCompute
package import HHFormat

/// What softmax attention becomes.
package struct LinearAttentionSettings: SettingGroup {
  /// The feature map.
  package var kind = FeatureMapKind.splitSoftmax
  /// Features before negation; nil is the size of a head.
  package var dimension: Int?
  /// Whether maps with a projection have a bias.
  package var bias = true
  /// What has maps of its own.
  package var sharing = LinearAttentionDescription.Sharing.keyValueHead
  /// The constant of maps that have one: cosFormer's horizon, the factor of `exponential`.
  package var constant: Double?
  /// What features see of rotary positions; nil is all without a window, and nothing beside one.
  package var positions: LinearAttentionDescription.Positions?
  /// Nearest keys of every query that keep their softmax weights; nil for none.
  package var window: Int?
  /// First keys of a sequence that keep their softmax weights beside the window; nil for none.
  package var sinks: Int?
  /// What the window's parameters are: a new model's are exponents.
  package var windowFactor = LinearAttentionDescription.WindowFactor.exponential
  /// Blocks that keep softmax attention, in ascending order.
  package var softmaxLayers: [Int] = [] { didSet { softmaxLayers.sort() } }
  /// How many blocks are to be chosen that keep it; nil where they are given.
  package var softmaxCount: Int?
  /// Added to the denominator.
  package var epsilon = LinearAttentionShape.defaultEpsilon
  /// What random directions are drawn from.
  package var seed: UInt64 = 0

  /// The blocks that keep softmax attention, as they are asked for.
  package var keptSoftmax: KeptSoftmax {
    get { softmaxCount.map { .best($0) } ?? .layers(softmaxLayers) }
    set {
      switch newValue {
      case .layers(let layers): (softmaxLayers, softmaxCount) = (layers, nil)
      case .best(let count): (softmaxLayers, softmaxCount) = ([], count)
      }
    }
  }

  /// The defaults.
  package init() {}

  /// The defaults with a feature map of some kind.
  package init(_ kind: FeatureMapKind) { self.kind = kind }
}

extension LinearAttentionSettings {
  package var stageName: String? { "rewrite" }

  package var settings: [Setting<Self>] {
    [
      Setting(
        "feature_map.kind", \.kind, option: "feature-map", value: "map",
        help: "What attention is rewritten with"),
      Setting(
        "feature_map.dimension", \.dimension, option: "feature-dim", value: "features",
        limits: .range(1...65_536),
        help: "Features of a head before negation", otherwise: "the head's size"),
      Setting("feature_map.bias", \.bias, help: "Whether maps with a projection add a bias"),
      Setting(
        "feature_map.sharing", \.sharing,
        help: "What has a key map of its own; with all-heads the queries share a map too"),
      Setting(
        "feature_map.constant", \.constant, limits: ["exclusiveMinimum": 0],
        help: "Of exponential the factor of the input, of cosformer the longest distance",
        otherwise: "2, and the model's positions"),
      Setting(
        "feature_map.positions", \.positions,
        help: "Whether features see queries and keys with their rotary positions",
        otherwise: "kept, and dropped beside a window"),
      Setting(
        "window", \.window, option: "window", value: "keys", limits: .range(1...1_048_576),
        help: "Nearest keys of every query that keep their softmax weights, in decoders",
        otherwise: "none"),
      Setting(
        "sinks", \.sinks, option: "sinks", value: "keys", limits: .range(1...64),
        help: "First keys of every sequence that keep their softmax weights beside the window",
        otherwise: "none"),
      Setting(
        "keep_softmax", \.keptSoftmax, option: "keep-softmax", value: "layers",
        limits: .range(0...65_535),
        help: "Layers that keep softmax attention, such as 0,11, counted from 0; auto:3 keeps the"
          + " three of a decoder that its next tokens need most, chosen after distillation"),
    ]
  }
}
