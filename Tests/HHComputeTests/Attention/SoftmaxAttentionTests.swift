// Softmax attention against n × n weights.

import HHCompute
import HHTestSupport
import Testing

@Suite struct SoftmaxAttentionTests {
  @Test("Blocks of queries agree with the full matrix", arguments: AttentionCase.all)
  func forward(_ test: AttentionCase) {
    let (q, k, v) = test.inputs(seed: 11)
    let out = Matrix(rows: q.rows, columns: q.columns)
    SoftmaxAttention.forward(q: q, k: k, v: v, shape: test.shape, scale: 0.4, into: out)
    let reference = AttentionReference(q: q, k: k, shape: test.shape)
    let scale = Double(Float(0.4))
    expectClose(
      out.values, reference.output(v: v) { reference.softmax($0, $1, $2, scale: scale) })
  }

  @Test("Scores of any size do not overflow")
  func extremes() {
    let test = AttentionCase.all[2]
    let (q, k, v) = test.inputs(seed: 12, spread: 100)
    let out = Matrix(rows: q.rows, columns: q.columns)
    SoftmaxAttention.forward(q: q, k: k, v: v, shape: test.shape, scale: 1, into: out)
    let reference = AttentionReference(q: q, k: k, shape: test.shape)
    expectClose(
      out.values, reference.output(v: v) { reference.softmax($0, $1, $2, scale: 1) },
      tolerance: 0.02)
  }

  @Test("A sequence without a valid key gives zeros")
  func emptySequence() {
    let shape = AttentionShape(
      batch: 2, length: 3, queryHeads: 1, keyValueHeads: 1, headSize: 4, causal: false,
      keyLengths: [0, 3])
    var samples = Samples(seed: 13)
    let (q, k, v) = (samples.matrix(6, 4), samples.matrix(6, 4), samples.matrix(6, 4))
    let out = samples.matrix(6, 4)
    SoftmaxAttention.forward(q: q, k: k, v: v, shape: shape, scale: 1, into: out)
    #expect(out.rows(0..<3).values.allSatisfy { $0 == 0 })
  }
}
