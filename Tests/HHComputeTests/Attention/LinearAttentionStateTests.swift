import HHCompute
import HHTestSupport
import Testing

@Suite struct LinearAttentionStateTests {
  @Test(
    "One position at a time gives what all at once give, in memory that does not grow",
    arguments: [(0, 0), (1, 0), (5, 0), (40, 0), (1, 3), (5, 1)])
  func steps(window: Int, sinks: Int) {
    let size = LinearCase(
      shape: AttentionShape(
        batch: 1, length: 90, queryHeads: 2, keyValueHeads: 1, headSize: 6, causal: true),
      window: window, sinks: sinks)
    let (q, k, v) = size.inputs(seed: 81)
    let maps = size.maps(EluMap(), seed: 82)
    let (whole, out) = (Matrix(rows: 90, columns: 12), Matrix(rows: 90, columns: 12))
    LinearAttention.forward(
      q: q, k: k, v: v, shape: size.shape, scale: 0.4, maps: maps, into: whole)
    let state = LinearAttentionState(batch: 1, maps: maps)
    let floats = state.count
    var shape = size.shape
    shape.length = 1
    for position in 0..<90 {
      #expect(state.position == position && state.count == floats)
      let row = position..<position + 1
      LinearAttention.forward(
        q: q.rows(row), k: k.rows(row), v: v.rows(row), shape: shape, scale: 0.4, state: state,
        into: out.rows(row))
    }
    expectClose(out.values, whole.values.map(Double.init), tolerance: 1e-4)
  }

  @Test("A state of other sequences, and a mask that is not causal, stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) { advance(batch: 1, causal: true) }
    await #expect(processExitsWith: .failure) { advance(batch: 2, causal: false) }
  }
}

/// Gives a state of two sequences one position more.
private func advance(batch: Int, causal: Bool) {
  let shape = AttentionShape(
    batch: batch, length: 1, queryHeads: 1, keyValueHeads: 1, headSize: 2, causal: causal)
  let maps = FeatureMaps(
    LinearAttentionShape(function: EluMap(), queryHeads: 1, keyValueHeads: 1, headSize: 2))
  let x = Matrix(rows: batch, columns: 2)
  LinearAttention.forward(
    q: x, k: x, v: x, shape: shape, scale: 1, state: LinearAttentionState(batch: 2, maps: maps),
    into: Matrix(rows: batch, columns: 2))
}
