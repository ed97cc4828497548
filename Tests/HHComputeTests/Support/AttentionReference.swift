// Attention by the book: n × n weights in double precision.

import Glibc
import HHCompute

/// Softmax and Hedgehog weights of one query, and what follows from them.
struct AttentionReference {
  let q: [[Double]]
  let k: [[Double]]
  let shape: AttentionShape

  init(q: Matrix, k: Matrix, shape: AttentionShape) {
    self.q = q.doubles
    self.k = k.doubles
    self.shape = shape
  }

  func query(_ row: Int, _ head: Int, _ i: Int) -> [Double] {
    Array(q[row * shape.length + i][head * shape.headSize..<(head + 1) * shape.headSize])
  }

  func key(_ row: Int, _ head: Int, _ j: Int) -> [Double] {
    let head = head * shape.keyValueHeads / shape.queryHeads
    return Array(k[row * shape.length + j][head * shape.headSize..<(head + 1) * shape.headSize])
  }

  func visible(_ row: Int, _ i: Int) -> Int {
    shape.causal ? min(shape.keyLength(row), i + 1) : shape.keyLength(row)
  }

  /// Softmax weights of query `i`.
  func softmax(_ row: Int, _ head: Int, _ i: Int, scale: Double) -> [Double] {
    let q = query(row, head, i)
    return HHComputeTests.softmax(
      (0..<visible(row, i)).map { scale * dot(q, key(row, head, $0)) })
  }

  /// Normalised Hedgehog weights as a function of sequence, head and query.
  func hedgehog(maps: DoubleMaps) -> (_ row: Int, _ head: Int, _ i: Int) -> [Double] {
    // One feature vector per position and head; computing them per pair would be slow.
    let every = (0..<shape.batch).map { row in
      (0..<shape.queryHeads).map { head in
        (0..<shape.length).map { position in
          (
            q: maps.featuresQ(query(row, head, position), head),
            k: maps.featuresK(key(row, head, position), head * maps.keyHeads / shape.queryHeads)
          )
        }
      }
    }
    return { row, head, i in
      let features = every[row][head]
      let similarities = (0..<visible(row, i)).map { dot(features[i].q, features[$0].k) }
      let sum = similarities.reduce(0, +)
      return similarities.map { $0 / sum }
    }
  }

  /// Outputs [batch · length, queryHeads · headSize] for weights given by `weights`.
  func output(v: Matrix, _ weights: (_ row: Int, _ head: Int, _ i: Int) -> [Double]) -> [Double] {
    var out: [Double] = []
    let v = v.doubles
    for row in 0..<shape.batch {
      for i in 0..<shape.length {
        for head in 0..<shape.queryHeads {
          let w = weights(row, head, i)
          let start = head * shape.keyValueHeads / shape.queryHeads * shape.headSize
          for c in start..<start + shape.headSize {
            out.append(w.indices.reduce(0) { $0 + w[$1] * v[row * shape.length + $1][c] })
          }
        }
      }
    }
    return out
  }

  /// Mean over batch, query heads and valid queries of −Σ P log S, and the same mean of Σ P log P.
  func loss(scale: Double, maps: DoubleMaps) -> (crossEntropy: Double, negativeEntropy: Double) {
    let weights = hedgehog(maps: maps)
    var sums = (0.0, 0.0)
    for row in 0..<shape.batch {
      for head in 0..<shape.queryHeads {
        for i in 0..<shape.keyLength(row) {
          let s = weights(row, head, i)
          for (p, s) in zip(softmax(row, head, i, scale: scale), s) where p > 0 {
            sums.0 -= p * log(s)
            sums.1 += p * log(p)
          }
        }
      }
    }
    let count = Double(shape.validPositions * shape.queryHeads)
    return (sums.0 / count, sums.1 / count)
  }
}

/// Feature maps in double precision; `parameters` are weightQ, biasQ, weightK, biasK.
struct DoubleMaps {
  var parameters: [[Double]]
  let keyHeads: Int
  let d: Int
  let f: Int

  init(_ maps: HedgehogMaps) {
    parameters = maps.parameters.map { $0.values.map(Double.init) }
    keyHeads = maps.keyHeads
    d = maps.headSize
    f = maps.projectionSize
  }

  func featuresQ(_ x: [Double], _ head: Int) -> [Double] {
    features(x, parameters[0], parameters[1], head)
  }

  func featuresK(_ x: [Double], _ head: Int) -> [Double] {
    features(x, parameters[2], parameters[3], head)
  }

  private func features(_ x: [Double], _ w: [Double], _ b: [Double], _ head: Int) -> [Double] {
    let u = (0..<f).map { j in
      (0..<d).reduce(b[head * f + j]) { $0 + x[$1] * w[(head * d + $1) * f + j] }
    }
    return softmax(u) + softmax(u.map { -$0 })
  }
}

func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

func softmax(_ x: [Double]) -> [Double] {
  guard let peak = x.max() else { return [] }
  let e = x.map { exp($0 - peak) }
  let sum = e.reduce(0, +)
  return e.map { $0 / sum }
}
