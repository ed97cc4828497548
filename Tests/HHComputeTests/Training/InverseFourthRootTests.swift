import HHTestSupport
import Testing

@testable import HHCompute

@Suite struct InverseFourthRootTests {
  @Test("A root to the fourth power inverts the damped matrix", arguments: [1, 2, 7, 30])
  func inverse(n: Int) {
    var samples = Samples(seed: UInt64(n))
    let x = Matrix(rows: 2 * n, columns: n, samples.values(2 * n * n))
    let a = Matrix(rows: n, columns: n)
    gemm(x, transposed: true, x, into: a)
    let trace = (0..<n).reduce(Float(0)) { $0 + a[$1, $1] }
    let root = inverseFourthRoot(a, damping: 0.1)
    for i in 0..<n { a[i, i] += 0.1 * trace / Float(n) }
    var product = a
    for _ in 0..<4 {
      let next = Matrix(rows: n, columns: n)
      gemm(root, product, into: next)
      product = next
    }
    let identity = (0..<n * n).map { $0 / n == $0 % n ? 1.0 : 0 }
    expectClose(product.values, identity, tolerance: 5e-3)
  }

  @Test("Zeros and what is not finite have the identity for a root")
  func degenerate() {
    for value in [Float(0), .nan, .infinity] {
      let a = Matrix(rows: 2, columns: 2, [value, 0, 0, value])
      #expect(inverseFourthRoot(a, damping: 0.1).values == [1, 0, 0, 1])
    }
  }
}
