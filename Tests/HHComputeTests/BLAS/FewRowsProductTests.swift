// Products of a few rows against sums in Double.

import HHCompute
import HHKernels
import HHTestSupport
import Testing

@Suite struct FewRowsProductTests {
  @Test(
    "a product is the sum of products, stored either way",
    arguments: [HalfMatrix.Format.float16, .bfloat16], [true, false])
  func products(format: HalfMatrix.Format, transposed: Bool) {
    for (rows, inputs, outputs) in [
      (1, 1, 1), (1, 7, 130), (3, 515, 129), (8, 64, 700), (2, 1030, 5), (1, 3, 513),
      (2, 1200, 530),
    ] {
      let (half, wide) = HalfWeights.make(
        rows: transposed ? outputs : inputs, columns: transposed ? inputs : outputs, format)
      var samples = Samples(seed: 6)
      let x = samples.matrix(rows, inputs)
      let (y, yOfWide) = (
        Matrix(rows: rows, columns: outputs), Matrix(rows: rows, columns: outputs)
      )
      half.product(x, transposed: transposed, into: y)
      gemm(x, transposed: false, wide, transposed: transposed, into: yOfWide)
      #expect(y.values == yOfWide.values, "the values are the same, and so is the order")
      for row in 0..<rows {
        for output in 0..<outputs {
          var (sum, size) = (0.0, 0.0)
          for input in 0..<inputs {
            let weight = transposed ? wide[output, input] : wide[input, output]
            sum += Double(x[row, input]) * Double(weight)
            size += abs(Double(x[row, input]) * Double(weight))
          }
          #expect(abs(Double(y[row, output]) - sum) <= 1e-6 * size + 1e-30)
        }
      }
    }
  }

  @Test("a row's product does not depend on the rows beside it")
  func rowsAreIndependent() {
    for (transposed, size) in [(true, 96), (false, 96), (true, 801), (false, 801)] {
      let (half, _) = HalfWeights.make(rows: size, columns: size, .bfloat16)
      var samples = Samples(seed: 7)
      let x = samples.matrix(5, size)
      let (together, alone) = (Matrix(rows: 5, columns: size), Matrix(rows: 1, columns: size))
      half.product(x, transposed: transposed, into: together)
      half.product(x.rows(3..<4), transposed: transposed, into: alone)
      #expect(together.rows(3..<4).values == alone.values)
    }
  }
}
