// Decoding position by position, or in pieces of any size, against the whole sequence at once.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHModel

@Suite("DecodingSession")
struct DecodingSessionTests {
  /// Feeds the rows of a batch in pieces of the given sizes, the last one again and again.
  private func expectPieces(
    _ sizes: [Int], of runner: ModelRunner, _ batch: TokenBatch
  ) throws {
    let rows = batch.rowCount
    let whole = try #require(try runner.outputs(for: .tokens(batch)).logits)
    var session = DecodingSession(runner: runner, rowCount: rows, capacity: batch.length)
    var pieces = sizes[...]
    while session.position < batch.length {
      let size = pieces.count > 1 ? pieces.removeFirst() : pieces.first ?? 1
      let start = session.position
      let end = min(start + size, batch.length)
      let ids = (0..<rows).flatMap {
        batch.ids[$0 * batch.length + start..<$0 * batch.length + end]
      }
      let logits = try session.advance(TokenBatch(ids: ids, length: end - start))
      for row in 0..<rows {
        let place = row * batch.length + end - 1
        #expect(
          maximumDifference(
            logits.rows(row..<row + 1).values, whole.rows(place..<place + 1).values) <= 1e-4,
          "position \(end - 1), row \(row)")
      }
    }
  }

  private static let sizes = [[1], [7], [64], [100], [30, 1], [5, 64, 1, 1, 20]]

  private func batch(rows: Int, length: Int) -> TokenBatch {
    TokenBatch(ids: (0..<rows * length).map { Int32($0 * $0 * 31 % 440) }, length: length)
  }

  @Test(
    "softmax: in pieces the logits are those of the whole sequence", arguments: ["gpt2", "llama"],
    sizes)
  func softmax(_ name: String, _ sizes: [Int]) throws {
    try expectPieces(sizes, of: Models.trained(name), batch(rows: 3, length: 48))
  }

  @Test(
    "Hedgehog: recurrent, chunkwise and whole agree", arguments: ["gpt2", "llama"], sizes)
  func hedgehog(_ name: String, _ sizes: [Int]) throws {
    let runner = try Models.trained(name).rewritten()
    try expectPieces(sizes, of: runner, batch(rows: 2, length: 100))
  }

  @Test(
    "the same for odd head counts, rotary scalings and heads",
    arguments: Models.golden.filter { $0.hasPrefix("gpt2") || $0.hasPrefix("llama") },
    [false, true])
  func random(_ name: String, converted: Bool) throws {
    let batch = try #require(try Models.input(name).tokens)
    let runner = try Models.golden(name)
    try expectPieces([1], of: converted ? runner.rewritten() : runner, batch)
  }

  @Test("a converted model remembers as much after 1 position as after 100")
  func constantMemory() throws {
    let runner = try Models.trained("gpt2")
    #expect(DecodingSession.cacheBytes(of: runner.rewritten().graph, length: 100) == 0)
    #expect(DecodingSession.cacheBytes(of: runner.graph, length: 100) > 0)
  }
}
