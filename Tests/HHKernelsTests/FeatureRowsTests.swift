// The rows of feature maps: projections and softmaxes against formulas.

import Glibc
import HHKernels
import HHTestSupport
import Testing

@Suite("Feature rows")
struct FeatureRowsTests {
  /// Around vectors and around the tiles of products.
  static let sizes =
    counts.dropFirst().map { ($0, 5, 3) } + counts.dropFirst().map { (3, $0, 7) }
    + counts.dropFirst().map { (4, 6, $0) } + [(70, 65, 33)]

  @Test("a projection is x W + b, with or without b")
  func projection() {
    for (seed, (rows, inputs, outputs)) in Self.sizes.enumerated() {
      var samples = Samples(seed: UInt64(seed))
      let x = Grid(rows: rows, columns: inputs, &samples)
      let (w, b) = (samples.values(inputs * outputs), samples.values(outputs))
      let size = projectionScratch(rows: rows, inputs: inputs, outputs: outputs)
      for bias in [b, []] {
        var y = [Float](repeating: .nan, count: rows * outputs)
        var scratch = [Float](repeating: .nan, count: size)
        scratch.change { scratch in
          y.change {
            project(
              x.span, x.layout, weight: w.span, bias: bias.span, outputs: outputs, into: &$0,
              scratch: &scratch)
          }
        }
        let columns = (0..<outputs).map { output in
          (0..<inputs).map { Double(w[$0 * outputs + output]) }
        }
        let expected = x.rows.flatMap { row in
          columns.indices.map { dot(row, columns[$0]) + Double(bias.isEmpty ? 0 : b[$0]) }
        }
        expectClose(y, expected, "\(rows) × \(inputs) × \(outputs)")
      }
    }
  }

  @Test("its gradients are products that add up, and an unwanted one is left out")
  func projectionGradients() {
    for (seed, (rows, inputs, outputs)) in Self.sizes.enumerated() {
      var samples = Samples(seed: UInt64(seed))
      let x = Grid(rows: rows, columns: inputs, &samples)
      let (w, dY) = (samples.values(inputs * outputs), samples.values(rows * outputs))
      let startW = samples.values(inputs * outputs)
      let startX = Grid(rows: rows, columns: inputs, &samples)
      let size = projectionScratch(rows: rows, inputs: inputs, outputs: outputs)
      func run(_ dWeight: inout [Float], _ dX: inout Grid) {
        var scratch = [Float](repeating: .nan, count: size)
        scratch.change { scratch in
          dWeight.change { dWeight in
            dX.change {
              projectBackward(
                x.span, x.layout, weight: w.span, dY: dY.span, outputs: outputs,
                dWeight: &dWeight, dX: &$0, dXStride: $1.stride, scratch: &scratch)
            }
          }
        }
      }
      var (dWeight, dX) = (startW, startX)
      run(&dWeight, &dX)
      let expectedWeight = (0..<inputs * outputs).map { index in
        (0..<rows).reduce(Double(startW[index])) {
          $0 + Double(x[$1, index / outputs]) * Double(dY[$1 * outputs + index % outputs])
        }
      }
      let expectedX = (0..<rows).flatMap { row in
        (0..<inputs).map { input in
          (0..<outputs).reduce(Double(startX[row, input])) {
            $0 + Double(dY[row * outputs + $1]) * Double(w[input * outputs + $1])
          }
        }
      }
      expectClose(dWeight, expectedWeight, "dW of \(rows) × \(inputs) × \(outputs)")
      expectClose(dX.values, expectedX, "dx of \(rows) × \(inputs) × \(outputs)")
      #expect(dX.isIntact)
      var (onlyX, onlyWeight) = (startX, startW)
      var (noWeight, noX) = ([Float](), Grid(rows: 0, columns: inputs))
      run(&noWeight, &onlyX)
      run(&onlyWeight, &noX)
      #expect(onlyX.values == dX.values && onlyWeight == dWeight)
    }
  }

  @Test("exponentials keep their row's largest as its scale", arguments: counts.dropFirst())
  func exponentials(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let before = samples.values(3 * columns, spread: 200)
    var (x, scales) = (before, [Float](repeating: .nan, count: 3))
    x.change { x in
      scales.change { exponentialRows(&x, rows: 3, columns: columns, scales: &$0) }
    }
    let rows = (0..<3).map { before[$0 * columns..<($0 + 1) * columns].map(Double.init) }
    let tops = rows.map { $0.max() ?? 0 }
    #expect(scales.map(Double.init) == tops)
    expectClose(x, zip(rows, tops).flatMap { row, top in row.map { exp($0 - top) } })
  }

  @Test("a softmax and its gradient follow the formula", arguments: counts.dropFirst())
  func softmaxes(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let (before, arriving) = (samples.values(3 * columns, spread: 9), samples.values(3 * columns))
    var (p, gradient) = (before, arriving)
    p.change { softmaxRows(&$0, rows: 3, columns: columns) }
    gradient.change { softmaxRowsBackward(p.span, rows: 3, columns: columns, gradient: &$0) }
    for row in 0..<3 {
      let range = row * columns..<(row + 1) * columns
      let (x, dP) = (before[range].map(Double.init), arriving[range].map(Double.init))
      let exact = softmax(x)
      expectClose(Array(p[range]), exact, tolerance: 1e-6)
      let mean = dot(exact, dP)
      expectClose(Array(gradient[range]), zip(exact, dP).map { $0 * ($1 - mean) }, tolerance: 1e-6)
    }
  }

  @Test("a bias or a gradient of another size stops the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) {
      let x = Grid(rows: 2, columns: 2)
      var (y, scratch) = ([Float](repeating: 0, count: 6), [Float](repeating: 0, count: 4096))
      scratch.change { scratch in
        y.change {
          project(
            x.span, x.layout, weight: [Float](repeating: 0, count: 6).span, bias: [1, 2].span,
            outputs: 3, into: &$0, scratch: &scratch)
        }
      }
    }
    await #expect(processExitsWith: .failure) {
      var (x, scales): ([Float], [Float]) = ([1, 2, 3, 4], [0])
      x.change { x in scales.change { exponentialRows(&x, rows: 2, columns: 2, scales: &$0) } }
    }
  }
}
