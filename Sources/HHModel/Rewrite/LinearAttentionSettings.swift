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
  /// Nearest keys of every query that keep their softmax weights; nil for none.
  package var window: Int?
  /// Blocks that keep softmax attention, in ascending order.
  package var softmaxLayers: [Int] = [] { didSet { softmaxLayers.sort() } }
  /// Added to the denominator.
  package var epsilon = LinearAttentionShape.defaultEpsilon
  /// What random directions are drawn from.
  package var seed: UInt64 = 0

  /// The defaults.
  package init() {}

  /// The defaults with a feature map of some kind.
  package init(_ kind: FeatureMapKind) { self.kind = kind }

  /// The settings that an artifact records, whose map is of that kind.
  init(_ kind: FeatureMapKind, _ description: LinearAttentionDescription) {
    self.kind = kind
    dimension = kind.hasDimension ? description.featureDimension : nil
    bias = description.bias
    sharing = description.sharing
    constant = description.constant
    window = description.window
    softmaxLayers = description.softmaxLayers
    epsilon = Float(description.epsilon)
  }

  /// What an artifact records of these settings, with ε as it was read where that is given.
  package func description(plan: RewritePlan, epsilon: Double? = nil) -> LinearAttentionDescription
  {
    let map = plan.blocks.first?.map
    return LinearAttentionDescription(
      kind: kind.rawValue, featureDimension: map?.featureSize ?? dimension ?? 1,
      bias: map?.hasBias ?? bias, sharing: map?.sharing ?? sharing,
      epsilon: epsilon ?? Double(self.epsilon),
      epsilonPlacement: .addedToDenominator, constant: map?.constant, window: window,
      softmaxLayers: softmaxLayers)
  }
}

extension LinearAttentionSettings {
  package var stageName: String? { "rewrite" }

  package var settings: [Setting<Self>] {
    [
      Setting(
        "feature_map.kind", \.kind, option: "feature-map",
        help: "What attention is rewritten with"),
      Setting(
        "feature_map.dimension", \.dimension, option: "feature-dim", limits: .range(1...65_536),
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
        "window", \.window, option: "window", limits: .range(1...1_048_576),
        help: "Nearest keys of every query that keep their softmax weights, in decoders",
        otherwise: "none"),
      Setting(
        "keep_softmax", \.softmaxLayers, option: "keep-softmax", limits: .range(0...65_535),
        help: "Layers that keep softmax attention, such as 0,11, counted from 0"),
    ]
  }
}

extension Graph {
  /// The first setting that contradicts the model or the others, and what is wrong.
  package func problem(with settings: LinearAttentionSettings) -> (
    setting: SettingKey, problem: String
  )? {
    let kind = settings.kind
    if let dimension = settings.dimension {
      if !kind.hasDimension {
        return (
          settings.key(\.dimension),
          "expected none with \(kind.rawValue), whose features are given, found \(dimension)"
        )
      }
      if !(1...65_536).contains(dimension) {
        return (settings.key(\.dimension), "expected 1 to 65536, found \(dimension)")
      }
    }
    if let window = settings.window {
      if attentions.contains(where: { !$0.isCausal }) {
        return (
          settings.key(\.window),
          "expected a decoder, in which keys come before queries, found another"
        )
      }
      if !(1...1_048_576).contains(window) {
        return (settings.key(\.window), "expected 1 to 1048576, found \(window)")
      }
      if kind.storesLogScales {
        return (
          settings.key(\.window),
          "expected a feature map whose sizes compare with softmax weights, found \(kind.rawValue)"
        )
      }
    }
    if let layer = settings.softmaxLayers.first(where: { !(0..<layerCount).contains($0) }) {
      return (
        settings.key(\.softmaxLayers), "expected layers from 0 to \(layerCount - 1), found \(layer)"
      )
    }
    if Set(settings.softmaxLayers).count < settings.softmaxLayers.count {
      return (settings.key(\.softmaxLayers), "expected each layer once, found one twice")
    }
    if layerCount > 0, settings.softmaxLayers.count == layerCount {
      return (settings.key(\.softmaxLayers), "expected a layer that is left to rewrite, found none")
    }
    return nil
  }
}
