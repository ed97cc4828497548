// How attention is rewritten: the choices that a user has, and an artifact records.

package import HHCompute
package import HHFormat

/// What softmax attention becomes.
package struct LinearAttentionSettings: Sendable, Equatable {
  /// The feature map.
  package var kind = FeatureMapKind.splitSoftmax
  /// Features before negation; nil is the size of a head.
  package var dimension: Int?
  /// Whether maps with a projection have a bias.
  package var bias = true
  /// What has maps of its own.
  package var sharing = FeatureMapDescription.Sharing.keyValueHead
  /// The constant of maps that have one: cosFormer's horizon, the factor of `exponential`.
  package var constant: Double?
  /// Nearest keys of every query that keep their softmax weights; nil for none.
  package var window: Int?
  /// Blocks that keep softmax attention, in ascending order.
  package var softmaxLayers: [Int] = []
  /// Added to the denominator.
  package var epsilon = LinearAttentionShape.defaultEpsilon
  /// What random directions are drawn from.
  package var seed: UInt64 = 0

  /// The defaults.
  package init() {}

  /// The defaults with a feature map of some kind.
  package init(_ kind: FeatureMapKind) { self.kind = kind }

  /// The settings that an artifact records, whose map is of that kind.
  init(_ kind: FeatureMapKind, _ description: FeatureMapDescription) {
    self.kind = kind
    dimension = kind.hasDimension ? description.featureDimension : nil
    bias = description.bias
    sharing = description.sharing
    constant = description.constant
    window = description.window
    softmaxLayers = description.softmaxLayers
    epsilon = Float(description.epsilon)
  }

  /// The settings as they were asked for, as the members of a recipe's stage; the seed apart.
  package var json: JSONObject {
    func number(_ value: Int?) -> JSONValue { JSONValue(value) }
    return [
      "feature_map": .object([
        "kind": .string(kind.rawValue), "dimension": number(dimension), "bias": .bool(bias),
        "sharing": .string(sharing.rawValue), "constant": constant.map(JSONValue.number) ?? .null,
      ]),
      "window": number(window),
      "keep_softmax": .array(softmaxLayers.map { .integer($0) }),
    ]
  }

  /// What an artifact records of these settings, with ε as it was read where that is given.
  package func description(plan: RewritePlan, epsilon: Double? = nil) -> FeatureMapDescription {
    let map = plan.blocks.first?.map
    return FeatureMapDescription(
      kind: kind.rawValue, featureDimension: map?.featureSize ?? dimension ?? 1,
      bias: map?.hasBias ?? bias, sharing: map?.sharing ?? sharing,
      epsilon: epsilon ?? Double(self.epsilon),
      epsilonPlacement: .addedToDenominator, constant: map?.constant, window: window,
      softmaxLayers: softmaxLayers)
  }
}

extension Graph {
  /// The first setting that contradicts the model or the others: its option, and what is wrong.
  package func problem(with settings: LinearAttentionSettings) -> (
    option: String, problem: String
  )? {
    let kind = settings.kind
    if let dimension = settings.dimension {
      if !kind.hasDimension {
        return (
          "--feature-dim",
          "expected none with \(kind.rawValue), whose features are given, found \(dimension)"
        )
      }
      if !(1...65_536).contains(dimension) {
        return ("--feature-dim", "expected 1 to 65536, found \(dimension)")
      }
    }
    if let window = settings.window {
      if attentions.contains(where: { !$0.isCausal }) {
        return ("--window", "expected a decoder, in which keys come before queries, found another")
      }
      if !(1...1_048_576).contains(window) {
        return ("--window", "expected 1 to 1048576, found \(window)")
      }
      if kind.storesLogScales {
        return (
          "--window",
          "expected a feature map whose sizes compare with softmax weights, found \(kind.rawValue)"
        )
      }
    }
    if let layer = settings.softmaxLayers.first(where: { !(0..<layerCount).contains($0) }) {
      return ("--keep-softmax", "expected layers from 0 to \(layerCount - 1), found \(layer)")
    }
    if Set(settings.softmaxLayers).count < settings.softmaxLayers.count {
      return ("--keep-softmax", "expected each layer once, found one twice")
    }
    if layerCount > 0, settings.softmaxLayers.count == layerCount {
      return ("--keep-softmax", "expected a layer that is left to rewrite, found none")
    }
    return nil
  }
}
