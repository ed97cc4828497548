// Losses and their gradients against double-precision formulas.

import Glibc
import HHCompute
import HHTestSupport
import Testing

@Suite struct LossTests {
  static let sizes = [2, 15, 16, 33]

  @Test("Cross-entropy counts the labelled rows", arguments: sizes)
  func crossEntropy(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let x = samples.matrix(5, columns, spread: 5)
    let labels: [Int32] = [0, Int32(columns - 1), -100, 1, -1]
    check(.crossEntropy(labels: labels), x) { row, label in
      -log(softmax(row)[Int(label)])
    }
  }

  @Test("A teacher's logits are matched at a temperature", arguments: sizes, [Float(1), 2.5])
  func divergence(columns: Int, temperature: Float) {
    var samples = Samples(seed: UInt64(columns))
    let (x, teacher) = (
      samples.matrix(4, columns, spread: 5), samples.matrix(4, columns, spread: 5)
    )
    let t = Double(temperature)
    let goals = teacher.doubles
    var next = 0
    check(
      .teacherDivergence(teacher, temperature: temperature, labels: [0, -1, 0, 0]), x
    ) { row, _ in
      let (p, q) = (softmax(goals[next].map { $0 / t }), softmax(row.map { $0 / t }))
      return t * t * zip(p, q).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
    } startingRow: {
      next = $0
    }
  }

  @Test("Squared errors add up over a row", arguments: sizes)
  func squaredError(columns: Int) {
    var samples = Samples(seed: UInt64(columns))
    let (x, target) = (samples.matrix(3, columns), samples.matrix(3, columns))
    let goals = target.doubles
    var next = 0
    check(.squaredError(target, labels: [0, 0, -1]), x) { row, _ in
      zip(row, goals[next]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    } startingRow: {
      next = $0
    }
  }

  @Test("Extreme logits stay finite, and a NaN shows in the loss")
  func extremes() {
    let x = Matrix(rows: 2, columns: 3, [1000, -1000, 0, 1000, -1000, 0])
    let loss = Loss.crossEntropy(labels: [0, 1])
    let sum = loss.evaluate(x, weight: 1, scratch: ScratchSpace())
    #expect(sum == 2000)
    #expect(x.values == [0, 0, 0, 1, -1, 0])
    x[0, 1] = .nan
    #expect(loss.evaluate(x, weight: nil, scratch: ScratchSpace()).isNaN)
  }

  @Test("A part of the rows is compared with its own targets")
  func parts() {
    var samples = Samples(seed: 4)
    let (x, target) = (samples.matrix(6, 4), samples.matrix(6, 4))
    let loss = Loss.squaredError(target, labels: [0, 0, -1, 0, 0, 0])
    let scratch = ScratchSpace()
    let whole = loss.evaluate(x, weight: nil, scratch: scratch)
    let parts = [0..<2, 2..<6].reduce(0) {
      $0 + loss.evaluate(x.rows($1), rows: $1, weight: nil, scratch: scratch)
    }
    #expect(abs(whole - parts) < 1e-6 && loss.rowCount == 5)
  }

  /// Compares loss and gradient with a formula of one row and its label.
  private func check(
    _ loss: Loss, _ x: Matrix, _ formula: ([Double], Int32) -> Double,
    startingRow: (Int) -> Void = { _ in }
  ) {
    let (before, labels) = (x.doubles, loss.labels)
    let scratch = ScratchSpace()
    var expected = (sum: 0.0, gradient: [Double]())
    for (row, values) in before.enumerated() {
      guard labels[row] >= 0 else {
        expected.gradient += values.map { _ in 0 }
        continue
      }
      startingRow(row)
      expected.sum += formula(values, labels[row])
      expected.gradient += differences(values) { 0.25 * formula($0, labels[row]) }
    }
    let only = loss.evaluate(x, weight: nil, scratch: scratch)
    #expect(x.doubles == before)
    let sum = loss.evaluate(x, weight: 0.25, scratch: scratch)
    #expect(sum == only)
    #expect(abs(sum - expected.sum) <= 2e-6 * max(1, abs(expected.sum)))
    expectClose(x.values, expected.gradient, tolerance: 2e-6)
  }
}
