// Matrix products against double-precision sums.

import HHCompute
import HHTestSupport
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

  @Test("large products are those of their parts, in every orientation")
  func parts() {
    for (m, n, k) in [
      (1, 4100, 333), (500, 97, 210), (130, 700, 111), (385, 385, 64), (407, 701, 300),
    ] {
      for (aTransposed, bTransposed) in [(false, false), (false, true), (true, false)] {
        var samples = Samples(seed: 16)
        let a = aTransposed ? samples.matrix(k, m) : samples.matrix(m, k)
        let b = bTransposed ? samples.matrix(n, k) : samples.matrix(k, n)
        let c = Matrix(rows: m, columns: n)
        gemm(a, transposed: aTransposed, b, transposed: bTransposed, into: c)
        for (i, j) in [(0, 0), (m - 1, n - 1), (m / 2, n / 3), (m / 3, n - 2)] {
          let expected = (0..<k).reduce(0.0) {
            $0 + Double(aTransposed ? a[$1, i] : a[i, $1])
              * Double(bTransposed ? b[j, $1] : b[$1, j])
          }
          #expect(abs(Double(c[i, j]) - expected) < 1e-3, "\(m) × \(n) at \(i), \(j)")
        }
      }
    }
  }

  @Test("the bits of a product do not depend on the number of threads")
  func threads() async {
    // In a process of its own: the number of threads is the process's, other tests need it still.
    await #expect(processExitsWith: .success) {
      for (m, n, k) in [(1, 4000, 300), (500, 400, 300), (96, 1000, 200), (400, 700, 300)] {
        var samples = Samples(seed: 17)
        let (a, b) = (samples.matrix(m, k), samples.matrix(n, k))
        let results = [1, 2, 5].map { threads in
          ThreadPolicy.use(threads: threads)
          let c = Matrix(rows: m, columns: n)
          gemm(a, transposed: false, b, transposed: true, into: c)
          return c.values
        }
        #expect(results[0] == results[1] && results[0] == results[2], "\(m) × \(n) × \(k)")
      }
    }
  }
}
