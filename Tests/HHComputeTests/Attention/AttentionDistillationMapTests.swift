// Distillation into every map, with a window and of outputs, against the definition.

import Glibc
import HHCompute
import HHTestSupport
import Testing

@Suite struct AttentionDistillationMapTests {
  static let scale: Float = 0.4

  /// Weights and outputs of one loss.
  struct Losses: CustomTestStringConvertible {
    let factors: AttentionDistillation.Factors
    var testDescription: String { "weights \(factors.weights), outputs \(factors.outputs)" }
  }

  static let losses = [(1.0, 0.0), (0.0, 100.0), (1.0, 10.0)].map {
    Losses(factors: .init(weights: $0.0, outputs: $0.1))
  }
  @Test("Loss and gradients agree with the definition", arguments: MapCase.smooth, losses)
  func definition(_ test: MapCase, _ losses: Losses) {
    for size in LinearCase.all.filter({ $0.shape.length < 68 }) {
      expectGradients(test, size, losses.factors)
    }
  }

  @Test(
    "So they do with a window", arguments: MapCase.smooth.filter { !$0.function.storesLogScales },
    losses)
  func window(_ test: MapCase, _ losses: Losses) {
    for size in LinearCase.windows.filter({ $0.shape.length < 31 }) {
      expectGradients(test, size, losses.factors)
    }
  }

  private func expectGradients(
    _ test: MapCase, _ size: LinearCase, _ factors: AttentionDistillation.Factors
  ) {
    let (q, k, v) = size.inputs(seed: 71)
    let maps = size.maps(test.function, seed: 72)
    let gradients = FeatureMapGradients(like: maps)
    let loss = AttentionDistillation(factors).lossAndGradient(
      q: q, k: k, v: v, shape: size.shape, scale: Self.scale, maps: maps, gradients: gradients)
    var reference = LinearReference(
      test, q: q, k: k, shape: size.shape, maps: maps, scale: Self.scale)
    let start = reference.parameters
    let (crossEntropy, divergence, error) = definition(reference, v)
    expectClose(
      [Float(loss.meanCrossEntropy), Float(loss.meanDivergence), Float(loss.meanOutputError)],
      [crossEntropy, divergence, error], tolerance: 1e-5, "\(size)")
    #expect(
      abs(loss.loss - factors.weights * crossEntropy - factors.outputs * error)
        < 1e-3 * (1 + abs(loss.loss)))
    // One direction through all parameters at once.
    var samples = Samples(seed: 73)
    let isTrained = maps.design.parameters.map(\.isTrained)
    let steps = zip(start, isTrained).map { values, isTrained in
      samples.values(values.count).map { isTrained ? Double($0) : 0 }
    }
    func at(_ t: Double) -> Double {
      reference.parameters = zip(start, steps).map { zip($0, $1).map { $0 + t * $1 } }
      let (crossEntropy, _, error) = definition(reference, v)
      return factors.weights * crossEntropy + factors.outputs * error
    }
    let trained = zip(steps, isTrained).filter(\.1).map(\.0)
    guard !trained.isEmpty else { return }
    let expected = (at(1e-4) - at(-1e-4)) / 2e-4
    let actual = zip(gradients.parameters, trained).reduce(0) {
      $0 + weighted($1.0.values.map(Double.init), $1.1)
    }
    expectClose([Float(actual)], [expected], tolerance: 1e-3, "\(size)")
  }

  /// Means over sequences, heads and valid queries.
  private func definition(_ reference: LinearReference, _ v: Matrix) -> (Double, Double, Double) {
    let (attention, shape) = (reference.attention, reference.attention.shape)
    let student = reference.weights()
    let values = v.doubles
    var (crossEntropy, divergence, error) = (0.0, 0.0, 0.0)
    for row in 0..<shape.batch {
      for head in 0..<shape.queryHeads {
        let first = head * shape.keyValueHeads / shape.queryHeads * shape.headSize
        for i in 0..<shape.keyLength(row) {
          let p = attention.softmax(row, head, i, scale: Double(Self.scale))
          let s = student(row, head, i)
          for j in p.indices {
            crossEntropy -= p[j] * log(s[j])
            divergence += p[j] * (log(p[j]) - log(s[j]))
          }
          for c in first..<first + shape.headSize {
            let difference = p.indices.reduce(0) {
              $0 + (s[$1] - p[$1]) * values[row * shape.length + $1][c]
            }
            error += difference * difference / Double(shape.headSize)
          }
        }
      }
    }
    let count = Double(shape.validPositions * shape.queryHeads)
    return (crossEntropy / count, divergence / count, error / count)
  }

  @Test("The result does not depend on the number of threads")
  func threads() async {
    // In a process of its own: the number of threads is the process's, other tests need it still.
    await #expect(processExitsWith: .success) {
      for test in MapCase.all {
        let size = LinearCase(
          shape: AttentionShape(
            batch: 3, length: 20, queryHeads: 4, keyValueHeads: 2, headSize: 6, causal: true),
          sharing: .allHeads)
        let (q, k, v) = size.inputs(seed: 75)
        let maps = size.maps(test.function, seed: 76)
        let results = [1, 2, 3].map { threads in
          ThreadPolicy.use(threads: threads)
          let gradients = FeatureMapGradients(like: maps)
          let loss = AttentionDistillation(.init(weights: 1, outputs: 1)).lossAndGradient(
            q: q, k: k, v: v, shape: size.shape, scale: Self.scale, maps: maps,
            gradients: gradients)
          return ([loss.loss] + loss.outputError, gradients.parameters.map(\.values))
        }
        #expect(results[0].0 == results[1].0 && results[0].0 == results[2].0, "\(test)")
        #expect(results[0].1 == results[1].1 && results[0].1 == results[2].1, "\(test)")
      }
    }
  }
}
