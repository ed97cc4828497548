// Attention by the book: n × n weights in double precision.

import Glibc
import HHCompute
import HHTestSupport

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
    return HHTestSupport.softmax(
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
      // Column by column, so that an output is one product of lists.
      let rows = v[row * shape.length..<(row + 1) * shape.length]
      let columns = (0..<shape.keyValueHeads * shape.headSize).map { c in rows.map { $0[c] } }
      for i in 0..<shape.length {
        for head in 0..<shape.queryHeads {
          let w = weights(row, head, i)
          let start = head * shape.keyValueHeads / shape.queryHeads * shape.headSize
          for c in start..<start + shape.headSize { out.append(dot(w, columns[c])) }
        }
      }
    }
    return out
  }
}

/// The distillation loss by the book; the teacher's weights are computed once.
struct DistillationReference {
  private let reference: AttentionReference
  private let teacher: [[[[Double]]]]  // (batch, heads, valid queries, visible keys)

  init(_ reference: AttentionReference, scale: Double) {
    self.reference = reference
    let shape = reference.shape
    teacher = (0..<shape.batch).map { row in
      (0..<shape.queryHeads).map { head in
        (0..<shape.keyLength(row)).map { reference.softmax(row, head, $0, scale: scale) }
      }
    }
  }

  /// Mean over batch, query heads and valid queries of −Σ P log S.
  func crossEntropy(maps: DoubleMaps) -> Double {
    let student = reference.hedgehog(maps: maps)
    return mean { row, head, i, p in
      let s = student(row, head, i)
      return p.indices.reduce(0.0) { $0 - p[$1] * log(s[$1]) }
    }
  }

  /// The same mean of Σ P log P.
  var negativeEntropy: Double {
    mean { _, _, _, p in p.reduce(0.0) { $1 > 0 ? $0 + $1 * log($1) : $0 } }
  }

  private func mean(_ term: (_ row: Int, _ head: Int, _ i: Int, _ p: [Double]) -> Double) -> Double
  {
    var sum = 0.0
    for (row, heads) in teacher.enumerated() {
      for (head, queries) in heads.enumerated() {
        for (i, p) in queries.enumerated() { sum += term(row, head, i, p) }
      }
    }
    return sum / Double(reference.shape.validPositions * reference.shape.queryHeads)
  }
}

/// Maps of the default kind in double precision: W and b of the queries, then of the keys.
struct DoubleMaps {
  var parameters: [[Double]]
  let keyHeads: Int
  let d: Int
  let f: Int

  init(_ maps: FeatureMaps) {
    parameters = maps.parameters.map { $0.values.map(Double.init) }
    keyHeads = maps.design.stateHeads
    d = maps.design.headSize
    f = maps.design.features / 2
  }

  func featuresQ(_ x: [Double], _ head: Int) -> [Double] {
    features(x, parameters[0], parameters[1], head)
  }

  func featuresK(_ x: [Double], _ head: Int) -> [Double] {
    features(x, parameters[2], parameters[3], head)
  }

  private func features(_ x: [Double], _ w: [Double], _ b: [Double], _ head: Int) -> [Double] {
    let u = project(x, w, start: head * d * f, b[head * f..<(head + 1) * f])
    return softmax(u) + softmax(u.map { -$0 })
  }
}

/// x W + b for W of x.count × count, from `start` in `w`.
func project(_ x: [Double], _ w: [Double], start: Int, _ b: ArraySlice<Double>) -> [Double] {
  var u = Array(b)
  var index = start
  for element in x {
    var column = 0
    while column < u.count {
      u[column] += element * w[index]
      index += 1
      column += 1
    }
  }
  return u
}
