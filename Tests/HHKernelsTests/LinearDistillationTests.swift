// Distillation into given features, of weights and of outputs, against the definition.

import Glibc
import HHKernels
import HHTestSupport
import Testing

@Suite("Linear distillation kernel")
struct LinearDistillationTests {
  /// Factors of the two losses.
  struct Factors: CustomTestStringConvertible {
    let weights: Float
    let outputs: Float
    var testDescription: String { "weights \(weights), outputs \(outputs)" }
  }

  static let factors = [
    Factors(weights: 0.5, outputs: 0), Factors(weights: 0, outputs: 3),
    Factors(weights: 0.5, outputs: 3),
  ]

  static let cases =
    FeatureCase.all.filter { $0.head.keys > 0 && $0.head.length < 71 }
    + [0, 5].map { window in
      FeatureCase(
        head: HeadCase(length: 7, keys: 20, headSize: 6, isCausal: true), window: window, past: 1,
        step: 3)
    }

  /// Sums of the losses and the gradients of features and of the window's factor.
  private struct Result {
    var sums = DistillationSums()
    var outputError = 0.0
    var dPhiQ: [Float]
    var dPhiK: [Float]
    var dWindowFactor: Float = 0
  }

  private func run(
    _ test: FeatureCase, _ x: FeatureCase.Inputs, _ factors: Factors,
    _ measure: DistillationMeasure,
    dPhiK: [Float]
  ) -> Result {
    let item = test.item(x, out: x.q)
    var result = Result(dPhiQ: [Float](repeating: .nan, count: x.phiQ.count), dPhiK: dPhiK)
    var scratch = [Float](repeating: .nan, count: max(1, item.distillationScratch))
    let inputs = LinearAttentionInputs(
      q: x.q.span, k: x.k.span, v: x.v.span, sinkK: Span(), sinkV: Span(), phiQ: x.phiQ.span,
      phiK: x.phiK.span,
      scales: x.scales.span, windowFactors: x.windowFactors.span)
    var (dPhiQ, dPhiK) = (result.dPhiQ, result.dPhiK)
    dPhiQ.change { dPhiQ in
      dPhiK.change { dPhiK in
        scratch.change {
          (result.sums, result.outputError, result.dWindowFactor) = distilLinearAttention(
            item, inputs, hasPacked: false, comparesOutputs: factors.outputs > 0,
            weightsFactor: factors.weights,
            outputsFactor: factors.outputs, measure: measure, dPhiQ: &dPhiQ, dPhiK: &dPhiK,
            scratch: &$0)
        }
      }
    }
    (result.dPhiQ, result.dPhiK) = (dPhiQ, dPhiK)
    return result
  }

  /// Sums over the queries of cross-entropy, divergence and mean squared error of the output.
  private func definition(
    _ test: FeatureCase, _ x: FeatureCase.Doubles
  ) -> (crossEntropy: Double, divergence: Double, outputError: Double) {
    var sums = (crossEntropy: 0.0, divergence: 0.0, outputError: 0.0)
    for i in 0..<test.head.length {
      let p = softmax(test.scores(i, from: 0, x))
      let weights = test.weights(i, x)
      let total = weights.reduce(Double(FeatureCase.epsilon), +)
      for (p, w) in zip(p, weights) {
        // The floor keeps the logarithm finite.
        let student = log(w / total + Double(FeatureCase.epsilon))
        sums.crossEntropy -= p * student
        sums.divergence += p * (log(p) - student)
      }
      let error = zip(test.output(weights, x), test.output(p, x)).map { $0 - $1 }
      sums.outputError += dot(error, error) / Double(error.count)
    }
    return sums
  }

  @Test("losses and gradients are those of the definition", arguments: cases, factors)
  func losses(_ test: FeatureCase, _ factors: Factors) {
    let x = test.inputs(seed: 41)
    let start = x.phiK.reversed() as [Float]
    let both = run(test, x, factors, .both, dPhiK: start)
    let doubles = test.doubles(x)
    let expected = definition(test, doubles)
    expectClose(
      [Float(both.sums.crossEntropy), Float(both.sums.divergence)],
      [expected.crossEntropy, expected.divergence], tolerance: 1e-5)
    if factors.outputs > 0 {
      expectClose([Float(both.outputError)], [expected.outputError], tolerance: 1e-5)
    }
    func loss(_ x: FeatureCase.Doubles) -> Double {
      let sums = definition(test, x)
      return Double(factors.weights) * sums.crossEntropy
        + Double(factors.outputs) * sums.outputError
    }
    expectSlope(
      both.dPhiQ.map(Double.init), at: doubles.phiQ, tolerance: 2e-4, "features of queries"
    ) {
      var moved = doubles
      moved.phiQ = $0
      return loss(moved)
    }
    expectSlope(
      zip(both.dPhiK, start).map { Double($0) - Double($1) }, at: doubles.phiK, tolerance: 2e-4,
      "features of keys"
    ) {
      var moved = doubles
      moved.phiK = $0
      return loss(moved)
    }
    var moved = (doubles, doubles)
    moved.0.windowFactor += 1e-5
    moved.1.windowFactor -= 1e-5
    expectClose(
      [both.dWindowFactor], [(loss(moved.0) - loss(moved.1)) / 2e-5], tolerance: 2e-4,
      "window factor")
    let lossOnly = run(test, x, factors, .lossOnly, dPhiK: start)
    #expect(lossOnly.sums == both.sums && lossOnly.outputError == both.outputError)
    #expect(lossOnly.dPhiK == start)
    let gradientOnly = run(test, x, factors, .gradientOnly, dPhiK: start)
    #expect(gradientOnly.dPhiQ == both.dPhiQ && gradientOnly.dPhiK == both.dPhiK)
  }

  @Test("a loss of outputs without values stops the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) {
      let test = FeatureCase(head: HeadCase(length: 2, keys: 2, headSize: 2, isCausal: true))
      let x = test.inputs(seed: 42)
      var (dPhiQ, dPhiK) = (x.phiQ, x.phiK)
      var scratch = [Float](repeating: 0, count: 1 << 16)
      let inputs = LinearAttentionInputs(
        q: x.q.span, k: x.k.span, v: x.v.span, sinkK: Span(), sinkV: Span(), phiQ: x.phiQ.span,
        phiK: x.phiK.span,
        scales: x.scales.span, windowFactors: x.windowFactors.span)
      dPhiQ.change { dPhiQ in
        dPhiK.change { dPhiK in
          scratch.change {
            _ = distilLinearAttention(
              test.item(x, out: x.q), inputs, hasPacked: false, comparesOutputs: false,
              weightsFactor: 1,
              outputsFactor: 1, measure: .both, dPhiQ: &dPhiQ, dPhiK: &dPhiK, scratch: &$0)
          }
        }
      }
    }
  }
}
