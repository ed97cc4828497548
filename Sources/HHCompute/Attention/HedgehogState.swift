// What linear attention remembers of the positions it has seen: a fixed size, whatever their number.

internal import HHKernels

/// The sums S = Σ φ(k) vᵀ and z = Σ φ(k) of every sequence and key map of one layer, in float32:
/// sums over thousands of positions drown in any narrower type.
package struct HedgehogState: Sendable {
  /// Number of sequences.
  package let batch: Int
  /// Number of key maps.
  package let keyHeads: Int
  /// The maps whose features are summed.
  let maps: HedgehogMaps
  /// S (features, headSize), then z (features), for each sequence and key map.
  private let sums: FloatBuffer

  /// The state before the first position: zeros.
  package init(batch: Int, maps: HedgehogMaps) {
    self.batch = batch
    self.maps = maps
    keyHeads = maps.keyHeads
    let size = linearAttentionState(headSize: maps.headSize, half: maps.projectionSize)
    sums = FloatBuffer(count: batch * maps.keyHeads * size)
  }

  /// Number of floats.
  package var count: Int { sums.count }

  /// The sums of one sequence and key map.
  func part(row: Int, head: Int) -> Matrix {
    let size = batch * keyHeads == 0 ? 0 : sums.count / (batch * keyHeads)
    let index = row * keyHeads + head
    return Matrix(sums, rows: batch * keyHeads, columns: size).rows(index..<index + 1)
  }
}

extension HedgehogAttention {
  /// Computes the outputs of positions that follow those in `state`, and adds them to it: any number
  /// of positions at a time gives what all at once would.
  ///
  /// - Parameters:
  ///   - q: Queries [batch · length, queryHeads · headSize].
  ///   - k: Keys [batch · length, keyValueHeads · headSize].
  ///   - v: Values, as `k`.
  ///   - shape: Sizes of the new positions; causal and without padding.
  ///   - maps: Feature maps of the layer.
  ///   - state: The past of every sequence; the new positions are added.
  ///   - out: Outputs, as `q`.
  /// - Complexity: O(length · headSize · features) per head, whatever the number of past positions.
  package static func forward(
    q: Matrix, k: Matrix, v: Matrix, shape: AttentionShape, maps: HedgehogMaps,
    state: HedgehogState, into out: Matrix
  ) {
    shape.check(queries: q)
    shape.check(queries: out)
    shape.check(keys: k)
    shape.check(keys: v)
    maps.check(shape)
    precondition(
      shape.causal && shape.keyLengths == nil, "a state goes with a causal mask and no padding")
    precondition(
      state.batch == shape.batch && state.keyHeads == maps.keyHeads,
      "the state is of other sequences or maps")
    let group = shape.queryHeads / maps.keyHeads
    let scratchCount = linearAttentionScratch(
      headSize: shape.headSize, half: maps.projectionSize, group: group)
    let scratch = (0..<ThreadPolicy.threads).map { _ in FloatBuffer(count: scratchCount) }
    parallelFor(count: shape.batch * maps.keyHeads, workers: scratch.count) { range, worker in
      for item in range {
        let (row, head) = item.quotientAndRemainder(dividingBy: maps.keyHeads)
        let keyValueHead = head * shape.keyValueHeads / maps.keyHeads
        let q = shape.part(q, row: row, head: head * group, count: group)
        let k = shape.part(k, row: row, head: keyValueHead, count: 1)
        let v = shape.part(v, row: row, head: keyValueHead, count: 1)
        let out = shape.part(out, row: row, head: head * group, count: group)
        let sums = state.part(row: row, head: head)
        var outSpan = out.mutableSpan
        var stateSpan = sums.mutableSpan
        let space = scratch[worker]
        var scratchSpan = space.mutableSpan
        linearAttention(
          AttentionItem(
            length: shape.length, keys: shape.length, headSize: shape.headSize, group: group,
            causal: true, queryStride: q.stride, keyStride: k.stride, valueStride: v.stride,
            outStride: out.stride),
          q: q.span, k: k.span, v: v.span, maps: maps.spans(head: head, group: group),
          state: &stateSpan, into: &outSpan, scratch: &scratchSpan)
      }
    }
  }
}
