import HHCompute
import HHTestSupport
import Testing

@Suite struct FeatureMapGradientsTests {
  @Test("There is a gradient of zeros for every trained parameter, and for no other")
  func shapes() {
    for test in MapCase.all {
      let window = test.function.storesLogScales ? 0 : 4
      let maps = FeatureMaps(
        LinearAttentionShape(
          function: test.function, queryHeads: 4, keyValueHeads: 2, headSize: 6, window: window))
      let gradients = FeatureMapGradients(like: maps)
      #expect(gradients.parameters.map(\.count) == maps.trained.map(\.count))
      #expect(gradients.parameters.allSatisfy { $0.values.allSatisfy { $0 == 0 } })
    }
  }

  @Test("Gradients of a batch are those of its sequences, added up")
  func batches() {
    let size = LinearCase(
      shape: AttentionShape(
        batch: 2, length: 12, queryHeads: 4, keyValueHeads: 2, headSize: 6, causal: true),
      window: 3)
    let maps = size.maps(EluMap(), seed: 1)
    let (q, k, v) = size.inputs(seed: 2)
    func gradients(_ rows: Range<Int>, batch: Int) -> [[Float]] {
      var shape = size.shape
      shape.batch = batch
      let gradients = FeatureMapGradients(like: maps)
      // Factors of sums, since the loss is a mean over sequences.
      let factor = Double(batch)
      _ = AttentionDistillation(.init(weights: factor, outputs: factor)).lossAndGradient(
        q: q.rows(rows), k: k.rows(rows), v: v.rows(rows), shape: shape, scale: 0.4, maps: maps,
        gradients: gradients)
      return gradients.parameters.map(\.values)
    }
    let (one, two) = (gradients(0..<12, batch: 1), gradients(12..<24, batch: 1))
    for (index, both) in gradients(0..<24, batch: 2).enumerated() {
      expectClose(both, zip(one[index], two[index]).map { Double($0) + Double($1) })
    }
  }
}
