// Softmax attention of one key/value head against the definition.

import Glibc
import HHKernels
import HHTestSupport
import Testing

@Suite("Softmax attention kernel")
struct SoftmaxAttentionTests {
  @Test("outputs are weighted means of the visible values", arguments: HeadCase.all)
  func forward(_ test: HeadCase) {
    let (q, k, v) = test.inputs(seed: 1)
    var out = Grid(rows: test.length, columns: test.group * test.headSize)
    let item = test.item(q, k, v, out: out)
    // NaN, so that reading what was not written would show.
    var scratch = [Float](
      repeating: .nan, count: softmaxAttentionScratch(keys: test.keys, headSize: test.headSize))
    out.change { out, _ in
      scratch.change {
        softmaxAttention(
          item, q: q.span, k: k.span, v: v.span, scale: 0.4, into: &out, scratch: &$0)
      }
    }
    expectClose(
      out.values, test.output(q.rows, k.rows, v.rows) { exp(0.4 * dot($1, $2)) }, tolerance: 1e-5)
    #expect(out.isIntact)
  }

  @Test("scores of any size leave weights that sum to one")
  func extremes() {
    let test = HeadCase(length: 20, keys: 20, headSize: 3, isCausal: true)
    let (q, k, _) = test.inputs(seed: 2, spread: 1e4)
    var v = Grid(rows: 20, columns: 3)
    for row in 0..<20 { for column in 0..<3 { v[row, column] = 1 } }
    var out = Grid(rows: 20, columns: 3)
    let item = test.item(q, k, v, out: out)
    var scratch = [Float](repeating: 0, count: softmaxAttentionScratch(keys: 20, headSize: 3))
    out.change { out, _ in
      scratch.change {
        softmaxAttention(item, q: q.span, k: k.span, v: v.span, scale: 1, into: &out, scratch: &$0)
      }
    }
    expectClose(out.values, [Double](repeating: 1, count: 60), tolerance: 1e-6)
  }

  @Test("causal keys without a query, keys outside their span and no head stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) { _ = item(keys: 3, causal: true) }
    await #expect(processExitsWith: .failure) { _ = item(keys: 1, headSize: 0, causal: false) }
    await #expect(processExitsWith: .failure) {
      var (out, scratch) = ([Float](repeating: 0, count: 8), [Float](repeating: 0, count: 4096))
      let q = out
      let k = [Float](repeating: 0, count: 11)
      out.change { out in
        scratch.change {
          softmaxAttention(
            item(keys: 3, causal: false), q: q.span, k: k.span, v: k.span, scale: 1, into: &out,
            scratch: &$0)
        }
      }
    }
  }
}

/// Two queries of a head of four, without gaps between rows.
private func item(keys: Int, headSize: Int = 4, causal: Bool) -> SoftmaxAttentionItem {
  SoftmaxAttentionItem(
    length: 2, keys: keys, headSize: headSize, group: 1, causal: causal, queryStride: 4,
    keyStride: 4, valueStride: 4, outStride: 4)
}
