// The settings of linear attention, against a model and in its artifact.

internal import HHCompute
package import HHFormat

extension LinearAttentionSettings {
  /// The settings that an artifact records, whose map is of that kind.
  init(_ kind: FeatureMapKind, _ description: LinearAttentionDescription) {
    self.init(kind)
    dimension = kind.hasDimension ? description.featureDimension : nil
    bias = description.bias
    sharing = description.sharing
    constant = description.constant
    positions = description.positions
    window = description.window
    sinks = description.sinks
    windowFactor = description.windowFactor
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
      epsilonPlacement: .addedToDenominator, constant: map?.constant,
      positions: map?.positions ?? positions ?? .kept, window: window, sinks: sinks,
      windowFactor: windowFactor, softmaxLayers: softmaxLayers)
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
    if settings.positions == .dropped, attentions.contains(where: { $0.rotary == nil }) {
      return (
        settings.key(\.positions), "expected a model with rotary positions to drop, found another"
      )
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
    if let sinks = settings.sinks {
      if settings.window == nil {
        return (settings.key(\.sinks), "expected a window beside the sinks, found none")
      }
      if !(1...64).contains(sinks) {
        return (settings.key(\.sinks), "expected 1 to 64, found \(sinks)")
      }
    }
    if let layer = settings.softmaxLayers.first(where: { !(0..<layerCount).contains($0) }) {
      return (
        settings.key(\.keptSoftmax), "expected layers from 0 to \(layerCount - 1), found \(layer)"
      )
    }
    if Set(settings.softmaxLayers).count < settings.softmaxLayers.count {
      return (settings.key(\.keptSoftmax), "expected each layer once, found one twice")
    }
    if layerCount > 0, settings.softmaxLayers.count == layerCount {
      return (settings.key(\.keptSoftmax), "expected a layer that is left to rewrite, found none")
    }
    return settings.softmaxCount.flatMap { problem(withSoftmaxCount: $0) }.map {
      (settings.key(\.keptSoftmax), $0)
    }
  }

  private func problem(withSoftmaxCount count: Int) -> String? {
    if !hasLanguageModelHead {
      return "expected a decoder with a language-model head to choose layers for, found none"
    }
    return count < layerCount
      ? nil : "expected fewer than the model's \(layerCount) layers, found \(count)"
  }
}
