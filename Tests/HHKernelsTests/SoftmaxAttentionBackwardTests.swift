// Gradients through softmax attention against changes of the definition.

import Glibc
import HHKernels
import HHTestSupport
import Testing

@Suite("Softmax attention's gradients")
struct SoftmaxAttentionBackwardTests {
  @Test(
    "queries' gradients are overwritten, keys' and values' added to",
    arguments: HeadCase.all.filter { $0.keys <= $0.length })
  func gradients(_ test: HeadCase) {
    let (q, k, v) = test.inputs(seed: 3)
    let (dOut, _, _) = test.inputs(seed: 4)
    var out = Grid(rows: test.length, columns: test.group * test.headSize)
    let item = test.item(q, k, v, out: out)
    var scratch = [Float](
      repeating: .nan, count: softmaxAttentionScratch(keys: test.keys, headSize: test.headSize))
    out.change { out, _ in
      scratch.change {
        softmaxAttention(
          item, q: q.span, k: k.span, v: v.span, scale: 0.4, into: &out, scratch: &$0)
      }
    }
    let (startQ, startK, startV) = test.inputs(seed: 5)
    var (dQ, dK, dV) = (startQ, startK, startV)
    scratch = [Float](
      repeating: .nan,
      count: softmaxAttentionBackwardScratch(keys: test.keys, headSize: test.headSize))
    let strides = AttentionGradientStrides(
      dOut: dOut.layout.stride, dQ: dQ.layout.stride, dK: dK.layout.stride, dV: dV.layout.stride)
    let record = SoftmaxAttentionRecord(
      q: q.span, k: k.span, v: v.span, out: out.span, dOut: dOut.span)
    dQ.change { dQ, _ in
      dK.change { dK, _ in
        dV.change { dV, _ in
          scratch.change {
            softmaxAttentionBackward(
              item, record, scale: 0.4, dQ: &dQ, dK: &dK, dV: &dV, strides: strides, scratch: &$0)
          }
        }
      }
    }
    // Queries in the padding do not count, whatever gradient arrives there.
    let arriving = dOut.rows.enumerated().flatMap { i, row in
      i < test.keys ? row : row.map { _ in 0 }
    }
    func loss(_ q: [[Double]], _ k: [[Double]], _ v: [[Double]]) -> Double {
      dot(arriving, test.output(q, k, v) { exp(0.4 * dot($1, $2)) })
    }
    func change(_ after: Grid, _ before: Grid) -> [Double] {
      zip(after.doubles, before.doubles).map { $0 - $1 }
    }
    expectSlope(dQ.doubles, at: q.rows, "q") { loss($0, k.rows, v.rows) }
    expectSlope(change(dK, startK), at: k.rows, "k") { loss(q.rows, $0, v.rows) }
    expectSlope(change(dV, startV), at: v.rows, "v") { loss(q.rows, k.rows, $0) }
    #expect(dQ.isIntact && dK.isIntact && dV.isIntact)
  }

  @Test("keys without a query of their own stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) {
      let (x, long) = ([Float](repeating: 0, count: 4), [Float](repeating: 0, count: 8))
      var (dQ, dK, dV, scratch) = (x, long, long, [Float](repeating: 0, count: 1 << 16))
      let item = SoftmaxAttentionItem(
        length: 1, keys: 2, headSize: 4, group: 1, causal: false, queryStride: 4, keyStride: 4,
        valueStride: 4, outStride: 4)
      let record = SoftmaxAttentionRecord(
        q: x.span, k: long.span, v: long.span, out: x.span, dOut: x.span)
      dQ.change { dQ in
        dK.change { dK in
          dV.change { dV in
            scratch.change {
              softmaxAttentionBackward(
                item, record, scale: 1, dQ: &dQ, dK: &dK, dV: &dV,
                strides: AttentionGradientStrides(dOut: 4, dQ: 4, dK: 4, dV: 4), scratch: &$0)
            }
          }
        }
      }
    }
  }
}
