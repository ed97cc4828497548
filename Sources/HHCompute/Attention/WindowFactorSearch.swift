// Where the training of a window's factors starts.

extension AttentionDistillation {
  /// Exponents to choose from, the one that leaves far keys least first: on SmolLM2-135M heads want
  /// −1 to 7.
  private static let exponents: [Float] = (-2...9).reversed().map { Float($0) }
  /// The share of the loss that a smaller exponent must gain: what hardly tells of far keys is no
  /// reason to weigh them.
  private static let leastGain = 0.001
  /// Queries that tell which is best.
  private static let queryCount = 512

  /// Gives each head's window, if it is an exponent, the one of a few at which the loss of untrained
  /// maps is least, the largest of those that hardly differ: how much of its weight a head leaves to
  /// far keys differs by thousands, and steps of training are too short for that. Where no query sees
  /// a far key the features stay untrained, and the largest exponent keeps them from counting in
  /// longer rows.
  ///
  /// The arguments are those of `lossAndGradient`.
  package func findWindowFactors(
    q: Matrix, k: Matrix, v: Matrix?, shape: AttentionShape, scale: Float, maps: FeatureMaps,
    gradients: FeatureMapGradients
  ) {
    guard let window = maps.window, maps.design.windowFactor == .exponential else { return }
    var span = window.mutableSpan
    span.update(repeating: Self.exponents[0])
    let near = maps.design.window + maps.design.sinks
    guard (0..<shape.batch).contains(where: { shape.keyLength($0) > near }) else { return }
    let sample = QuerySample(first: 0, step: max(1, shape.validPositions / Self.queryCount))
    var best = [(loss: Double, exponent: Float)](
      repeating: (.infinity, Self.exponents[0]), count: window.count)
    for exponent in Self.exponents {
      span = window.mutableSpan
      span.update(repeating: exponent)
      let losses = lossAndGradient(
        q: q, k: k, v: v, shape: shape, scale: scale, maps: maps, sample: sample,
        gradients: gradients, measure: .lossOnly
      ).reducibleLossPerHead
      for (head, loss) in losses.enumerated()
      where loss < best[head].loss * (1 - Self.leastGain) {
        best[head] = (loss, exponent)
      }
    }
    span = window.mutableSpan
    for (head, best) in best.enumerated() { span[head] = best.exponent }
  }
}
