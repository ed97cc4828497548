// Linear attention with the default map against its quadratic form.

import HHCompute
import Testing

@Suite struct HedgehogAttentionTests {
  @Test(
    "The linear form agrees with the quadratic one",
    arguments: AttentionCase.all + AttentionCase.sizes)
  func forward(_ test: AttentionCase) {
    let (q, k, v) = test.inputs(seed: 21)
    let maps = test.maps(seed: 22)
    let out = Matrix(rows: q.rows, columns: q.columns)
    LinearAttention.forward(q: q, k: k, v: v, shape: test.shape, scale: 1, maps: maps, into: out)
    let reference = AttentionReference(q: q, k: k, shape: test.shape)
    expectClose(out.values, reference.output(v: v, reference.hedgehog(maps: DoubleMaps(maps))))
  }

  @Test("What lies in the padding does not matter")
  func padding() {
    let shape = AttentionShape(
      batch: 1, length: 40, queryHeads: 2, keyValueHeads: 2, headSize: 8, causal: false,
      keyLengths: [23])
    let test = AttentionCase(name: "padded", shape: shape)
    let (q, k, v) = test.inputs(seed: 23)
    let maps = test.maps(seed: 24)
    let (clean, dirty) = (Matrix(rows: 40, columns: 16), Matrix(rows: 40, columns: 16))
    LinearAttention.forward(q: q, k: k, v: v, shape: shape, scale: 1, maps: maps, into: clean)
    for row in 23..<40 { (k[row, 3], v[row, 5]) = (.nan, .infinity) }
    LinearAttention.forward(q: q, k: k, v: v, shape: shape, scale: 1, maps: maps, into: dirty)
    #expect(clean.values == dirty.values)
  }

  @Test("Inputs of any size give features that sum to one per half")
  func extremes() {
    let shape = AttentionShape(
      batch: 2, length: 1, queryHeads: 1, keyValueHeads: 1, headSize: 3, causal: false)
    let x = Matrix(rows: 2, columns: 3, [1e4, -1e4, 0, 3e30, 3e30, -3e30])
    let v = Matrix(rows: 2, columns: 3, [1, -2, 3, 4, 0.5, -6])
    let maps = FeatureMaps(AttentionCase(name: "one key", shape: shape).design)
    let out = Matrix(rows: 2, columns: 3)
    LinearAttention.forward(q: x, k: x, v: v, shape: shape, scale: 1, maps: maps, into: out)
    // One key: its weight is the quotient's whole denominator, 2 and 1.5.
    expectClose(out.values, v.values.map(Double.init), tolerance: 1e-6)
  }

  @Test("Fresh maps are the identity and its negation")
  func identity() {
    let maps = FeatureMaps(
      LinearAttentionShape(
        function: SoftmaxMap(featureSize: 2), queryHeads: 2, keyValueHeads: 1, headSize: 3))
    #expect(maps.parameters[0].values == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0])
    #expect(maps.parameters[2].count == 6 && maps.parameters[1].values == [0, 0, 0, 0])
    #expect(maps.design.features == 4)
  }
}
