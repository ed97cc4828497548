// Matrix products of factors rounded to bfloat16.

import HHCompute
import HHTestSupport
import Testing

@Suite("Products in bfloat16")
struct ProductPrecisionTests {
  /// The nearest number with eight significant bits, ties to the even one.
  private func rounded(_ x: Float) -> Double {
    let bits = x.bitPattern
    return Double(Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000))
  }

  @Test(
    "all four orientations are the products of rounded factors",
    arguments: [(9, 1, 1), (17, 9, 33), (33, 70, 5), (12, 6, 0), (210, 130, 301)],
    [(1, 0), (0.5, 1)] as [(Float, Float)])
  func product(_ sizes: (Int, Int, Int), _ factors: (Float, Float)) {
    let ((m, n, k), (alpha, beta)) = (sizes, factors)
    for (aTransposed, bTransposed) in [(false, false), (false, true), (true, false), (true, true)] {
      var samples = Samples(seed: 21)
      let a = aTransposed ? samples.matrix(k, m) : samples.matrix(m, k)
      let b = bTransposed ? samples.matrix(n, k) : samples.matrix(k, n)
      let c = samples.matrix(m, n)
      let left = a.doubles.map { $0.map { rounded(Float($0)) } }
      let right = b.doubles.map { $0.map { rounded(Float($0)) } }
      let expected = (0..<m).flatMap { i in
        (0..<n).map { j in
          var sum = Double(beta) * Double(c[i, j])
          for p in 0..<k {
            sum +=
              Double(alpha) * (aTransposed ? left[p][i] : left[i][p])
              * (bTransposed ? right[j][p] : right[p][j])
          }
          return sum
        }
      }
      gemm(
        a, transposed: aTransposed, b, transposed: bTransposed, into: c, alpha: alpha, beta: beta,
        precision: .bfloat16)
      expectClose(c.values, expected, "\(aTransposed) \(bTransposed)")
    }
  }

  @Test("what was rounded before does not show in the next product, larger or smaller")
  func room() {
    var samples = Samples(seed: 22)
    for size in [40, 300, 11] {
      let (a, ones) = (samples.matrix(size, size), Matrix(rows: size, columns: size))
      for index in 0..<size { ones[index, index] = 1 }
      let c = Matrix(rows: size, columns: size)
      gemm(a, ones, into: c, precision: .bfloat16)
      #expect(c.values.map(Double.init) == a.values.map(rounded))
    }
  }

  @Test("the bits of a product do not depend on the number of threads")
  func threads() async {
    // In a process of its own, as in GEMMTests.
    await #expect(processExitsWith: .success) {
      var samples = Samples(seed: 23)
      let (a, b) = (samples.matrix(400, 301), samples.matrix(701, 301))
      let results = [1, 2, 5].map { threads in
        ThreadPolicy.use(threads: threads)
        let c = Matrix(rows: 400, columns: 701)
        gemm(a, transposed: false, b, transposed: true, into: c, precision: .bfloat16)
        return c.values
      }
      #expect(results[0] == results[1] && results[0] == results[2])
    }
  }

  @Test("products of a few rows are of float32")
  func fewRows() {
    var samples = Samples(seed: 24)
    let (a, b) = (samples.matrix(8, 60), samples.matrix(70, 60))
    let (c, d) = (Matrix(rows: 8, columns: 70), Matrix(rows: 8, columns: 70))
    gemm(a, transposed: false, b, transposed: true, into: c, precision: .bfloat16)
    gemm(a, transposed: false, b, transposed: true, into: d)
    #expect(c.values == d.values)
  }
}
