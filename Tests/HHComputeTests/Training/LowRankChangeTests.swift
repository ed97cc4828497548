// Changes of low rank: the product they stand for, and the same bits for every part.

import HHCompute
import HHTestSupport
import Testing

@Suite struct LowRankChangeTests {
  private let outputs = 37
  private let inputs = 53

  private func change(isInputMajor: Bool) -> (change: LowRankChange, product: (Int, Int) -> Double)
  {
    var samples = Samples(seed: 3)
    let (a, b) = (samples.matrix(4, inputs), samples.matrix(outputs, 4))
    let change = LowRankChange(a: a, b: b, isInputMajor: isInputMajor, factor: 0.5)
    return (
      change,
      { output, input in
        (0..<4).reduce(0) { $0 + 0.5 * Double(b[output, $1]) * Double(a[$1, input]) }
      }
    )
  }

  @Test("a matrix gets the product added, in either orientation", arguments: [false, true])
  func whole(isInputMajor: Bool) {
    let (change, product) = change(isInputMajor: isInputMajor)
    let values = FloatBuffer([Float](repeating: 1, count: outputs * inputs))
    change.add(to: values)
    let rows = isInputMajor ? inputs : outputs
    let matrix = Matrix(values, rows: rows, columns: values.count / rows)
    for output in 0..<outputs {
      for input in 0..<inputs {
        let found = isInputMajor ? matrix[input, output] : matrix[output, input]
        #expect(abs(Double(found) - 1 - product(output, input)) < 1e-5)
      }
    }
    change.opposite.add(to: values)
    for value in values.values { #expect(abs(value - 1) < 1e-5) }
  }

  @Test(
    "parts have the bits of the whole, wherever they begin and end", arguments: [1, 7, 53, 400])
  func parts(size: Int) {
    let change = change(isInputMajor: false).change
    var samples = Samples(seed: 5)
    let start = samples.matrix(outputs, inputs).values
    let whole = FloatBuffer(start)
    change.add(to: whole)
    var found: [Float] = []
    for first in stride(from: 0, to: start.count, by: size) {
      let part = FloatBuffer(Array(start[first..<min(start.count, first + size)]))
      var span = part.mutableSpan
      change.add(to: &span, from: first)
      found += part.values
    }
    #expect(found == whole.values)
  }
}
