// Attention over given features, its gradients and its distillation, against the definition.

import Glibc
import HHKernels
import HHTestSupport
import Testing

@Suite("Linear attention kernels")
struct LinearAttentionTests {
  /// Outputs of an item, with the states of what came before it and after it.
  private func forward(
    _ test: FeatureCase, _ x: FeatureCase.Inputs, before: [Float] = [], after: inout [Float]
  ) -> Grid {
    var out = Grid(rows: test.head.length, columns: test.head.headSize)
    let item = test.item(x, out: out)
    var scratch = [Float](repeating: .nan, count: max(1, item.scratch))
    let inputs = LinearAttentionInputs(
      q: x.q.span, k: x.k.span, v: x.v.span, sinkK: Span(), sinkV: Span(), phiQ: x.phiQ.span,
      phiK: x.phiK.span,
      scales: x.scales.span, windowFactors: x.windowFactors.span)
    out.change { out, _ in
      after.change { after in
        scratch.change {
          linearAttention(
            item, inputs, before: before.span, after: &after, into: &out, scratch: &$0)
        }
      }
    }
    #expect(out.isIntact)
    return out
  }

  @Test("outputs are weighted means of the visible values", arguments: FeatureCase.all)
  func outputs(_ test: FeatureCase) {
    let x = test.inputs(seed: 31)
    var none: [Float] = []
    expectClose(
      forward(test, x, after: &none).values, test.outputs(test.doubles(x)), tolerance: 2e-5)
  }

  @Test(
    "a state stands for the keys that left the window", arguments: [1, 5, 16, 40], [0, 1, 4, 12])
  func states(first: Int, window: Int) {
    var whole = FeatureCase(
      head: HeadCase(length: 60, keys: 60, headSize: 6, isCausal: true), window: window)
    let x = whole.inputs(seed: 32)
    let expected = whole.outputs(whole.doubles(x))
    let (size, features) = (whole.head.headSize, whole.features)
    /// The rows of the inputs that queries and keys of some ranges have.
    func part(_ queries: Range<Int>, _ keys: Range<Int>) -> FeatureCase.Inputs {
      func rows(_ grid: Grid, _ range: Range<Int>) -> Grid {
        var part = Grid(rows: range.count, columns: size)
        for row in range { for c in 0..<size { part[row - range.lowerBound, c] = grid[row, c] } }
        return part
      }
      func rows(_ values: [Float], _ range: Range<Int>) -> [Float] {
        Array(values[range.lowerBound * features..<range.upperBound * features])
      }
      return FeatureCase.Inputs(
        q: rows(x.q, queries), k: rows(x.k, keys), v: rows(x.v, keys), phiQ: rows(x.phiQ, queries),
        phiK: rows(x.phiK, keys), scales: [])
    }
    var state = [Float](
      repeating: .nan, count: linearAttentionState(features: features, headSize: size))
    whole.head = HeadCase(length: first, keys: first, headSize: size, isCausal: true)
    let start = part(0..<first, 0..<first)
    let one = forward(whole, start, after: &state)
    expectClose(one.values, Array(expected.prefix(first * size)), tolerance: 2e-5)
    let gone = whole.item(start, out: one).linearKeys
    #expect(gone == max(0, first + 1 - max(1, window)))
    whole.head = HeadCase(length: 60 - first, keys: 60 - gone, headSize: size, isCausal: true)
    whole.past = first - gone
    var none: [Float] = []
    let rest = forward(whole, part(first..<60, gone..<60), before: state, after: &none)
    expectClose(rest.values, Array(expected.dropFirst(first * size)), tolerance: 2e-5)
  }

  static let differentiable = FeatureCase.all.filter { $0.head.keys == $0.head.length }

  @Test("gradients follow changes of the outputs", arguments: differentiable)
  func gradients(_ test: FeatureCase) {
    let x = test.inputs(seed: 33)
    let (dOut, startK, startV) = test.head.inputs(seed: 34)
    let (startQ, _, _) = test.head.inputs(seed: 35)
    var none: [Float] = []
    let out = forward(test, x, after: &none)
    let item = test.item(x, out: out)
    var scratch = [Float](repeating: .nan, count: max(1, item.backwardScratch))
    let inputs = LinearAttentionInputs(
      q: x.q.span, k: x.k.span, v: x.v.span, sinkK: Span(), sinkV: Span(), phiQ: x.phiQ.span,
      phiK: x.phiK.span,
      scales: x.scales.span, windowFactors: x.windowFactors.span)
    var (dQ, dK, dV) = (startQ, startK, startV)
    var dPhiQ = [Float](repeating: .nan, count: x.phiQ.count)
    let startPhiK = x.phiQ.reversed() as [Float]
    var dPhiK = startPhiK
    var dWindowFactor: Float = 0
    let strides = AttentionGradientStrides(
      dOut: dOut.layout.stride, dQ: dQ.layout.stride, dK: dK.layout.stride, dV: dV.layout.stride)
    dQ.change { dQ, _ in
      dK.change { dK, _ in
        dV.change { dV, _ in
          dPhiQ.change { dPhiQ in
            dPhiK.change { dPhiK in
              scratch.change {
                var noSinks = MutableSpan<Float>()
                var noSinkValues = MutableSpan<Float>()
                dWindowFactor = linearAttentionBackward(
                  item, inputs, out: out.span, dOut: dOut.span, strides: strides, dPhiQ: &dPhiQ,
                  dPhiK: &dPhiK, dQ: &dQ, dK: &dK, dV: &dV, dSinkK: &noSinks,
                  dSinkV: &noSinkValues, scratch: &$0)
              }
            }
          }
        }
      }
    }
    #expect(dQ.isIntact && dK.isIntact && dV.isIntact)
    let (start, arriving) = (test.doubles(x), dOut.doubles)
    func expect(
      _ gradient: [Double], _ path: WritableKeyPath<FeatureCase.Doubles, [[Double]]>, _ what: String
    ) {
      expectSlope(gradient, at: start[keyPath: path], tolerance: 2e-4, what) {
        var moved = start
        moved[keyPath: path] = $0
        return dot(arriving, test.outputs(moved))
      }
    }
    func change(_ after: [Float], _ before: [Float]) -> [Double] {
      zip(after, before).map { Double($0) - Double($1) }
    }
    expect(change(dQ.values, startQ.values), \.q, "q")
    expect(change(dK.values, startK.values), \.k, "k")
    expect(change(dV.values, startV.values), \.v, "v")
    expect(dPhiQ.map(Double.init), \.phiQ, "features of queries")
    expect(change(dPhiK, startPhiK), \.phiK, "features of keys")
    var moved = (start, start)
    moved.0.windowFactor += 1e-5
    moved.1.windowFactor -= 1e-5
    let slope = dot(arriving, test.outputs(moved.0)) - dot(arriving, test.outputs(moved.1))
    expectClose([dWindowFactor], [slope / 2e-5], tolerance: 2e-4, "window factor")
  }
}
