import HHCompute
import HHTestSupport
import Testing

@Suite struct WindowFactorSearchTests {
  private static let size = LinearCase(
    shape: AttentionShape(
      batch: 2, length: 96, queryHeads: 4, keyValueHeads: 2, headSize: 6, causal: true),
    window: 8, sinks: 2)

  /// The loss of every head, given the window's parameters.
  private func losses(
    _ exponents: [Float]?, _ factors: AttentionDistillation.Factors, spread: Float,
    windowFactor: LinearAttentionShape.WindowFactor = .exponential
  ) -> (perHead: [Double], window: [Float]) {
    var size = Self.size
    size.windowFactor = windowFactor
    let maps = size.maps(SoftmaxMap(featureSize: 6), seed: 1)
    let (q, k, v) = AttentionCase(name: "", shape: size.shape).inputs(seed: 2, spread: spread)
    let distillation = AttentionDistillation(factors)
    let gradients = FeatureMapGradients(like: maps)
    if let exponents, let window = maps.window {
      var span = window.mutableSpan
      for (head, exponent) in exponents.enumerated() { span[head] = exponent }
    } else {
      distillation.findWindowFactors(
        q: q, k: k, v: v, shape: size.shape, scale: 0.4, maps: maps, gradients: gradients)
    }
    let loss = distillation.lossAndGradient(
      q: q, k: k, v: v, shape: size.shape, scale: 0.4, maps: maps, gradients: gradients,
      measure: .lossOnly)
    return (loss.reducibleLossPerHead, maps.window?.values ?? [])
  }

  @Test(
    "Every head starts at the exponent that is best for it",
    arguments: [
      AttentionDistillation.Factors(weights: 1, outputs: 0), .init(weights: 0, outputs: 1),
    ], [Float(0.5), 4])
  func best(_ factors: AttentionDistillation.Factors, spread: Float) {
    let found = losses(nil, factors, spread: spread)
    for exponent in -2...9 {
      let others = losses([Float](repeating: Float(exponent), count: 4), factors, spread: spread)
      // A thousandth is not worth weight on far keys.
      for head in 0..<4 { #expect(found.perHead[head] <= others.perHead[head] * 1.0011) }
    }
    #expect(found.window.allSatisfy { (-2...9).contains($0) && $0 == $0.rounded() })
  }

  @Test("Rows without far keys leave those that come later as little as can be")
  func shortRows() {
    let size = LinearCase(
      shape: AttentionShape(
        batch: 2, length: 10, queryHeads: 4, keyValueHeads: 2, headSize: 6, causal: true),
      window: 8, sinks: 2)
    let maps = size.maps(SoftmaxMap(featureSize: 6), seed: 1)
    let (q, k, v) = size.inputs(seed: 2)
    for factors in [AttentionDistillation.Factors(), .init(weights: 0, outputs: 1)] {
      AttentionDistillation(factors).findWindowFactors(
        q: q, k: k, v: v, shape: size.shape, scale: 0.4, maps: maps,
        gradients: FeatureMapGradients(like: maps))
      #expect(maps.window?.values == [9, 9, 9, 9])
    }
  }

  @Test("Peaked scores leave far keys less than flat ones do")
  func peaks() {
    let factors = AttentionDistillation.Factors(weights: 1, outputs: 0)
    let (flat, peaked) = (losses(nil, factors, spread: 0.5), losses(nil, factors, spread: 4))
    #expect(zip(flat.window, peaked.window).allSatisfy { $0 < $1 })
  }

  @Test("A window's logits stay where they are")
  func logits() {
    let found = losses(nil, .init(), spread: 1, windowFactor: .sigmoid)
    var size = Self.size
    size.windowFactor = .sigmoid
    #expect(found.window == size.maps(SoftmaxMap(featureSize: 6), seed: 1).window?.values)
  }
}
