// Matrix products against double-precision sums.

import HHCompute
import Testing

@Suite struct GEMMTests {
  @Test(
    "All four orientations agree with the definition",
    arguments: [(1, 1, 1), (3, 5, 7), (17, 9, 33), (4, 6, 0)], [(false, false), (true, true)])
  func product(_ sizes: (Int, Int, Int), _ scaled: (Bool, Bool)) {
    let (m, n, k) = sizes
    let (alpha, beta): (Float, Float) = scaled.0 ? (0.5, -2) : (1, 0)
    for (aTransposed, bTransposed) in [(false, false), (false, true), (true, false), (true, true)] {
      var samples = Samples(seed: 6)
      let a = aTransposed ? samples.matrix(k, m) : samples.matrix(m, k)
      let b = bTransposed ? samples.matrix(n, k) : samples.matrix(k, n)
      let c = samples.matrix(m, n)
      let expected = (0..<m).flatMap { i in
        (0..<n).map { j in
          (0..<k).reduce(Double(beta) * Double(c[i, j])) {
            let left = Double(aTransposed ? a[$1, i] : a[i, $1])
            let right = Double(bTransposed ? b[j, $1] : b[$1, j])
            return $0 + Double(alpha) * left * right
          }
        }
      }
      gemm(
        a, transposed: aTransposed, b, transposed: bTransposed, into: c, alpha: alpha, beta: beta)
      expectClose(c.values, expected)
    }
  }
}
