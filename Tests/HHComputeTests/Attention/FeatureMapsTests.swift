import HHTestSupport
import Testing

@testable import HHCompute

@Suite struct FeatureMapsTests {
  private func design(
    _ sharing: LinearAttentionShape.Sharing, window: Int = 0,
    windowFactor: LinearAttentionShape.WindowFactor = .exponential
  ) -> LinearAttentionShape {
    LinearAttentionShape(
      function: SoftmaxMap(featureSize: 3), sharing: sharing, queryHeads: 4, keyValueHeads: 2,
      headSize: 5, window: window, windowFactor: windowFactor)
  }

  @Test(
    "Parameters are as many as heads have maps of their own",
    arguments: [
      (LinearAttentionShape.Sharing.keyValueHead, 4, 2, 2), (.queryHead, 4, 4, 4),
      (.allHeads, 1, 1, 2),
    ])
  func sharing(
    _ sharing: LinearAttentionShape.Sharing, queryMaps: Int, keyMaps: Int, stateHeads: Int
  ) {
    let design = design(sharing)
    #expect(design.stateHeads == stateHeads)
    #expect(
      design.parameters.map(\.name) == ["query.weight", "query.bias", "key.weight", "key.bias"])
    #expect(
      design.parameters.map(\.shape)
        == [[queryMaps, 5, 3], [queryMaps, 3], [keyMaps, 5, 3], [keyMaps, 3]])
    let maps = FeatureMaps(design)
    #expect(maps.parameters.map(\.count) == design.parameters.map { $0.shape.reduce(1, *) })
    #expect(maps.trained.count == 4 && maps.isFinite)
    // Every map starts as its function does.
    let start = design.function.initialValues(headSize: 5)[0]
    #expect(maps.parameters[2].values == (0..<keyMaps).flatMap { _ in start })
  }

  @Test("A window adds one factor for each query head, stored as its exponent or as its logit")
  func window() {
    let design = design(.keyValueHead, window: 8)
    #expect(design.parameters.last == .init(name: "window", shape: [4], isTrained: true))
    let maps = FeatureMaps(design)
    #expect(maps.windowFactors == [1, 1, 1, 1])
    let logits = FeatureMaps(self.design(.keyValueHead, window: 8, windowFactor: .sigmoid))
    expectClose(logits.windowFactors, [0.1, 0.1, 0.1, 0.1], tolerance: 1e-6)
    #expect(FeatureMaps(self.design(.queryHead)).windowFactors == [0, 0, 0, 0])
    // Seven keys and values of two heads of five, beside the sums of six features.
    #expect(design.stateCount == 2 * 6 * 6 + 2 * 7 * 2 * 5)
  }

  @Test("What is drawn once is no trained parameter, and a NaN is seen")
  func trained() {
    let maps = FeatureMaps(
      LinearAttentionShape(
        function: PerformerMap(featureSize: 4, seed: 1), queryHeads: 1, keyValueHeads: 1,
        headSize: 2))
    #expect(maps.trained.isEmpty && maps.parameters.count == 2 && maps.isFinite)
    let parameter = maps.parameters[1]
    var span = parameter.mutableSpan
    span[0] = .nan
    #expect(!maps.isFinite)
  }

  @Test("A window beside features with scales stops the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) {
      _ = LinearAttentionShape(
        function: FixedExponentialMap(temperature: 1), queryHeads: 1, keyValueHeads: 1,
        headSize: 2, window: 4)
    }
  }
}
