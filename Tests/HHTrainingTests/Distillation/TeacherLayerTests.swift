// Queries and keys of a layer against those that reached transformers' attention.

import HHCompute
import HHModel
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHTraining

@Suite("TeacherLayer")
struct TeacherLayerTests {
  @Test(
    "queries and keys of the first and the last layer, positions applied",
    arguments: Models.golden)
  func queriesAndKeys(_ name: String) throws {
    let golden = try GoldenTensors(
      Fixtures.path("golden/forward/\(name)/expected.safetensors"))
    let runner = try Models.golden(name)
    let input = try Models.input(golden)
    let states = try HiddenStates(input, runner, rowsPerChunk: 1)
    let last = runner.graph.layerCount - 1
    for layer in 0...last {
      let teacher = try #require(TeacherLayer(runner, layer: layer))
      let batch = try states.queryKey(teacher, rows: 0..<states.rowCount, advancing: true)
      guard layer == 0 || layer == last else { continue }
      for (matrix, letter) in [(batch.query, "q"), (batch.key, "k")] {
        let expected = try golden.floats("\(letter).\(layer)")
        let difference = largestDifference(
          matrix, expected, batch.shape, heads: matrix.columns / batch.shape.headSize)
        #expect(difference <= 2e-4, "\(letter).\(layer)")
      }
    }
  }

  /// Compares [rows × length, heads × size] with [rows, heads, length, size] at valid positions.
  private func largestDifference(
    _ matrix: Matrix, _ expected: [Float], _ shape: AttentionShape, heads: Int
  ) -> Float {
    guard expected.count == matrix.rows * matrix.columns else { return .infinity }
    let values = matrix.values
    let (length, size) = (shape.length, shape.headSize)
    var largest: Float = 0
    for row in 0..<shape.batch {
      for position in 0..<shape.keyLength(row) {
        for head in 0..<heads {
          for index in 0..<size {
            let a = values[(row * length + position) * heads * size + head * size + index]
            let b = expected[((row * heads + head) * length + position) * size + index]
            largest = max(largest, (a - b).magnitude)
          }
        }
      }
    }
    return largest
  }

  @Test("advancing a block at a time ends where the whole model does", arguments: Models.golden)
  func advances(_ name: String) throws {
    let runner = try Models.golden(name)
    let input = try Models.input(name)
    let states = try HiddenStates(input, runner, rowsPerChunk: 4096)
    #expect(states.chunks == [0..<states.rowCount])
    let copy = states.copy(of: 0..<1)
    for layer in 0..<runner.graph.layerCount {
      let teacher = try #require(TeacherLayer(runner, layer: layer))
      for row in 0..<states.rowCount {
        _ = try states.queryKey(teacher, rows: row..<row + 1, advancing: true)
      }
    }
    // A layer more would not be there, and the copy was not advanced with the rest.
    #expect(TeacherLayer(runner, layer: runner.graph.layerCount) == nil)
    let first = try #require(TeacherLayer(runner, layer: 0))
    let fresh = try HiddenStates(input, runner, rowsPerChunk: 4096)
    let expected = try fresh.queryKey(first, rows: 0..<1, advancing: false).copied()
    let actual = try copy.queryKey(first, rows: 0..<1, advancing: false)
    #expect(actual.query.values == expected.query.values)
    let again = try fresh.queryKey(first, rows: 0..<1, advancing: false)
    #expect(again.key.values == expected.key.values)
  }
}
