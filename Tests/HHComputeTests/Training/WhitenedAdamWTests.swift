// AdamW in whitened coordinates, and the root it uses.

import HHTestSupport
import Testing

@testable import HHCompute

@Suite struct WhitenedAdamWTests {
  @Test(
    "The inverse fourth root of a covariance, four times over, undoes it",
    arguments: [1, 2, 8, 33, 64, 128])
  func root(size: Int) {
    var samples = Samples(seed: UInt64(size))
    // Columns of sizes from 1 to 1000, mixed, so that the eigenvalues span six orders.
    let x = samples.matrix(4 * size, size)
    for row in 0..<x.rows {
      for column in 1..<max(1, size) {
        x[row, column] *= Float(1 + 999 * column / size)
        x[row, column] += x[row, column - 1]
      }
    }
    let covariance = Matrix(rows: size, columns: size)
    gemm(x, transposed: true, x, into: covariance)
    let root = inverseFourthRoot(covariance, damping: 0.01)
    let trace = (0..<size).reduce(Float(0)) { $0 + covariance[$1, $1] }
    for i in 0..<size { covariance[i, i] += 0.01 * trace / Float(size) }
    var product = covariance
    for _ in 0..<4 {
      let next = Matrix(rows: size, columns: size)
      gemm(root, product, into: next)
      product = next
    }
    for i in 0..<size {
      for j in 0..<size {
        #expect(abs(product[i, j] - (i == j ? 1 : 0)) < 0.02)
        #expect(abs(root[i, j] - root[j, i]) <= 1e-3 * (root[i, i] + root[j, j]))
      }
    }
  }

  @Test(
    "A matrix without a root gets the identity",
    arguments: [0, Float.nan, Float.infinity, -1])
  func noRoot(value: Float) {
    let matrix = Matrix(rows: 3, columns: 3, [value, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(inverseFourthRoot(matrix, damping: 0.01).values == [1, 0, 0, 0, 1, 0, 0, 0, 1])
  }

  /// Maps of heads of four elements, two of them key/value heads.
  private func maps(heads: Int) -> FeatureMaps {
    FeatureMaps(
      LinearAttentionShape(
        function: SoftmaxMap(featureSize: 4), queryHeads: heads, keyValueHeads: 2, headSize: 4))
  }

  /// Gradients of small random values for maps.
  private func gradients(_ maps: FeatureMaps, seed: UInt64) -> [FloatBuffer] {
    var samples = Samples(seed: seed)
    let gradients = maps.trained.map { FloatBuffer(count: $0.count) }
    for buffer in gradients {
      let values = samples.values(buffer.count)
      var span = buffer.mutableSpan
      for index in span.indices { span[index] = values[index] }
    }
    return gradients
  }

  @Test("Where inputs are white already it is AdamW, weight decay included", arguments: [0, 0.1])
  func white(decay: Double) {
    let maps = self.maps(heads: 4)
    let plain = self.maps(heads: 4)
    // Rows 2 e_i have the identity for a covariance; damping moves its root by a 400th.
    func white(heads: Int) -> Matrix {
      let x = Matrix(rows: 4, columns: 4 * heads)
      for i in 0..<4 { for head in 0..<heads { x[i, head * 4 + i] = 2 } }
      return x
    }
    let options = AdamW.Options(beta1: 0.5, beta2: 0.9, weightDecay: decay)
    let whitened = WhitenedAdamW(maps, q: white(heads: 4), k: white(heads: 2), options: options)
    let adamW = AdamW(plain.parameters, options: options)
    for step in 0..<5 {
      let gradients = gradients(maps, seed: UInt64(step))
      whitened.step(gradients: gradients, rate: 0.1)
      adamW.step(gradients: gradients, rate: 0.1)
    }
    for (values, expected) in zip(maps.parameters, plain.parameters) {
      #expect(maximumDifference(values.values, expected.values) < 2e-3)
    }
  }

  @Test("Larger inputs get smaller steps, so that features move alike")
  func scaled() {
    var samples = Samples(seed: 5)
    let (q, k) = (samples.matrix(64, 8), samples.matrix(64, 8))
    let moves = [Float(1), 100].map { scale in
      let (largeQ, largeK) = (Matrix(rows: 64, columns: 8), Matrix(rows: 64, columns: 8))
      for row in 0..<64 {
        for column in 0..<8 {
          largeQ[row, column] = scale * q[row, column]
          largeK[row, column] = scale * k[row, column]
        }
      }
      let maps = self.maps(heads: 2)
      let start = maps.parameters[0].values
      let optimizer = WhitenedAdamW(maps, q: largeQ, k: largeK, options: .init())
      // A gradient of W grows as its inputs do.
      optimizer.step(gradients: gradients(maps, seed: 6), rate: 0.1, gradientScale: Double(scale))
      return zip(maps.parameters[0].values, start).map { scale * ($0 - $1) }
    }
    #expect(maximumDifference(moves[0], moves[1]) < 1e-3)
  }
}
