// Linear attention with fused Hedgehog maps against the definition.

import HHKernels
import HHTestSupport
import Testing

/// Feature maps of one key/value head and its query heads, in double precision too.
struct FusedMaps {
  let half: Int
  let group: Int
  /// W and b of the queries, then of the keys; see `FeatureMapSpans`.
  let parameters: [[Float]]
  let doubles: [[Double]]

  init(_ test: HeadCase, half: Int, seed: UInt64) {
    var samples = Samples(seed: seed)
    self.half = half
    group = test.group
    let size = test.headSize * half
    parameters = [test.group * size, test.group * half, size, half].map { samples.values($0) }
    doubles = parameters.map { $0.map(Double.init) }
  }

  /// φ(x) = [softmax(u), softmax(−u)], u = x W + b, for map 0 (queries) or 2 (keys).
  func features(_ x: [Double], _ map: Int, head: Int, _ parameters: [[Double]]) -> [Double] {
    let u = (0..<half).map { feature in
      x.indices.reduce(parameters[map + 1][head * half + feature]) {
        $0 + x[$1] * parameters[map][(head * x.count + $1) * half + feature]
      }
    }
    return softmax(u) + softmax(u.map { -$0 })
  }

  func weight(_ head: Int, _ q: [Double], _ k: [Double]) -> Double {
    dot(features(q, 0, head: head, doubles), features(k, 2, head: 0, doubles))
  }
}

@Suite("Fused linear attention")
struct FusedAttentionTests {
  static let cases = HeadCase.all.filter { $0.keys <= $0.length && $0.length < 71 }

  private func run(
    _ test: HeadCase, _ maps: FusedMaps, _ q: Grid, _ k: Grid, _ v: Grid, state: inout [Float]
  ) -> [Float] {
    var out = Grid(rows: test.length, columns: test.group * test.headSize)
    let item = test.item(q, k, v, out: out)
    let (weightQ, biasQ) = (maps.parameters[0], maps.parameters[1])
    let (weightK, biasK) = (maps.parameters[2], maps.parameters[3])
    let spans = FeatureMapSpans(
      half: maps.half, epsilon: 1e-6, weightQ: weightQ.span, biasQ: biasQ.span,
      weightK: weightK.span, biasK: biasK.span)
    var scratch = [Float](
      repeating: .nan,
      count: linearAttentionScratch(headSize: test.headSize, half: maps.half, group: test.group))
    let hasState = !state.isEmpty
    out.change { out, _ in
      scratch.change { scratch in
        state.change {
          if hasState {
            linearAttention(
              item, q: q.span, k: k.span, v: v.span, maps: spans, state: &$0, into: &out,
              scratch: &scratch)
          } else {
            linearAttention(
              item, q: q.span, k: k.span, v: v.span, maps: spans, into: &out, scratch: &scratch)
          }
        }
      }
    }
    #expect(out.isIntact)
    return out.values
  }

  @Test("outputs are those of the quadratic form", arguments: cases)
  func forward(_ test: HeadCase) {
    let (q, k, v) = test.inputs(seed: 11)
    let maps = FusedMaps(test, half: test.headSize % 20 + 3, seed: 12)
    var none: [Float] = []
    expectClose(
      run(test, maps, q, k, v, state: &none),
      test.output(q.rows, k.rows, v.rows, epsilon: 1e-6, weight: maps.weight), tolerance: 2e-5)
  }

  @Test("a state carries what came before, one position at a time", arguments: [1, 16, 21])
  func steps(headSize: Int) {
    let test = HeadCase(length: 20, keys: 20, headSize: headSize, group: 2, isCausal: true)
    let (q, k, v) = test.inputs(seed: 13)
    let maps = FusedMaps(test, half: 5, seed: 14)
    var none: [Float] = []
    let whole = run(test, maps, q, k, v, state: &none)
    var state = [Float](repeating: 0, count: linearAttentionState(headSize: headSize, half: 5))
    let step = HeadCase(length: 1, keys: 1, headSize: headSize, group: 2, isCausal: true)
    for i in 0..<20 {
      func row(_ x: Grid) -> Grid {
        var row = Grid(rows: 1, columns: x.layout.columns)
        for column in 0..<x.layout.columns { row[0, column] = x[i, column] }
        return row
      }
      let out = run(step, maps, row(q), row(k), row(v), state: &state)
      let width = 2 * headSize
      expectClose(out, whole[i * width..<(i + 1) * width].map(Double.init), "position \(i)")
    }
    let sums = (0..<10).map { feature in
      k.rows.reduce(0.0) { $0 + maps.features($1, 2, head: 0, maps.doubles)[feature] }
    }
    expectClose(Array(state.suffix(10)), sums, "z")
  }
}
