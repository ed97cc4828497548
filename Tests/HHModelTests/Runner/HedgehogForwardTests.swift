// A rewritten model against Hedgehog attention written out with n × n weights in double precision.

import Glibc
import HHCompute
import HHData
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHModel

@Suite("ModelRunner of a rewritten graph")
struct HedgehogForwardTests {
  @Test("every block mixes values as the definition says", arguments: Models.golden)
  func equalsDefinition(_ name: String) throws {
    let runner = try Models.golden(name).rewritten()
    Artifacts.disturb(runner)
    let input = try Models.input(name)
    let length = runner.length(of: input)
    let hidden = Matrix(rows: input.rowCount * length, columns: runner.graph.hiddenSize)
    var state = try runner.embed(input, into: hidden)
    var blocks = 0
    for node in runner.graph.nodes where node.layer != nil {
      guard case .attention(let attention) = node.operation, let layer = node.layer else {
        try runner.run([node], &state)
        continue
      }
      blocks += 1
      let projected = try runner.project(attention, state)
      let maps = try #require(runner.maps[layer])
      let expected = naive(
        attention, maps, projected, rows: state.rowCount, length: length, state.validLengths)
      let mixed = Matrix(
        rows: projected.query.rows, columns: attention.headCount * attention.headSize)
      LinearAttention.forward(
        q: projected.query, k: projected.key, v: projected.value,
        shape: attention.shape(
          rowCount: state.rowCount, length: length, validLengths: state.validLengths),
        scale: attention.scale, maps: maps, into: mixed)
      for (row, valid) in validLengths(state, length).enumerated() {
        let range = row * length..<row * length + valid
        #expect(
          maximumDifference(
            mixed.rows(range).values, range.flatMap { expected[$0] }.map(Float.init)) <= 1e-4,
          "layer \(layer), row \(row)")
      }
      state.hidden = try runner.mix(attention, projected, state, layer: layer)
    }
    #expect(blocks == runner.graph.layerCount)
    // The whole model takes the same way.
    let outputs = try runner.outputs(for: input)
    try runner.run(runner.graph.outputNodes, &state)
    #expect(outputs.hidden.values == state.hidden.values)
  }

  private func validLengths(_ state: Activations, _ length: Int) -> [Int] {
    state.validLengths ?? Array(repeating: length, count: state.rowCount)
  }

  private func softmax(_ x: [Double]) -> [Double] {
    let top = x.max() ?? 0
    let weights = x.map { exp($0 - top) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }

  private func features(
    _ x: [Double], _ weight: [Float], _ bias: [Float], head: Int, size: Int
  ) -> [Double] {
    let u = (0..<size).map { j in
      (0..<size).reduce(Double(bias[head * size + j])) { sum, i in
        sum + x[i] * Double(weight[(head * size + i) * size + j])
      }
    }
    return softmax(u) + softmax(u.map { -$0 })
  }

  private func naive(
    _ attention: Attention, _ maps: FeatureMaps, _ projected: QueryKeyValue, rows: Int,
    length: Int, _ validLengths: [Int]?
  ) -> [[Double]] {
    let (size, heads) = (attention.headSize, attention.headCount)
    let group = heads / attention.keyValueHeadCount
    let (wq, bq) = (maps.parameters[0].values, maps.parameters[1].values)
    let (wk, bk) = (maps.parameters[2].values, maps.parameters[3].values)
    func part(_ values: [Float], _ position: Int, _ head: Int, of count: Int) -> [Double] {
      let start = (position * count + head) * size
      return values[start..<start + size].map(Double.init)
    }
    let q = projected.query.values
    let (k, v) = (projected.key.values, projected.value.values)
    let keyHeads = attention.keyValueHeadCount
    var outputs = Array(repeating: [Double](), count: rows * length)
    for row in 0..<rows {
      let valid = validLengths?[row] ?? length
      for head in 0..<heads {
        let keyHead = head / group
        let keys = (0..<valid).map { j in
          features(
            part(k, row * length + j, keyHead, of: keyHeads), wk, bk, head: keyHead, size: size)
        }
        let values = (0..<valid).map { part(v, row * length + $0, keyHead, of: keyHeads) }
        for i in 0..<length {
          let phi = features(
            part(q, row * length + i, head, of: heads), wq, bq, head: head, size: size)
          let visible = attention.isCausal ? min(i + 1, valid) : valid
          let scores = keys.prefix(visible).map { key in
            zip(phi, key).reduce(0) { $0 + $1.0 * $1.1 }
          }
          let sum = scores.reduce(0, +)
          for c in 0..<size {
            outputs[row * length + i].append(
              zip(scores, values).reduce(0) { $0 + $1.0 * $1.1[c] } / sum)
          }
        }
      }
    }
    return outputs
  }
}
