// Linear attention with feature maps of any kind, with or without a window of softmax weights.

internal import HHKernels

/// out_i = Σ_j w_ij v_j / (Σ_j w_ij + ε), w_ij = φ_q(q_i) · φ_k(k_j); for keys inside the window of
/// query i in their place γ exp(s_ij − max s), s the softmax's scores (LoLCATs, arXiv 2410.10254,
/// equation 7), and so for the sequence's first keys, the sinks (StreamingLLM, arXiv 2309.17453).
/// Every visible key counts once.
package enum LinearAttention {
  /// Computes the outputs.
  ///
  /// - Parameters:
  ///   - q: Queries [batch · length, queryHeads · headSize], possibly columns of a wider matrix.
  ///   - k: Keys [batch · length, keyValueHeads · headSize].
  ///   - v: Values, as `k`.
  ///   - shape: Sizes, mask and padding.
  ///   - scale: Factor of the window's scores, usually 1/√headSize.
  ///   - maps: Feature maps of the layer.
  ///   - out: Outputs, as `q`. Queries in the padding get a result too, of no meaning.
  /// - Complexity: O(length · (headSize · features + window)) per head; scratch space independent of
  ///   length.
  package static func forward(
    q: Matrix, k: Matrix, v: Matrix, shape: AttentionShape, scale: Float, maps: FeatureMaps,
    into out: Matrix
  ) {
    shape.check(queries: q)
    shape.check(queries: out)
    shape.check(keys: k)
    shape.check(keys: v)
    maps.check(shape)
    let call = HeadCall(maps: maps, causal: shape.causal, scale: scale)
    let spaces = ScratchSpace().heads(
      rows: min(shape.length, call.piece), group: maps.design.group, maps,
      kernelCount: call.item(call.piece, call.piece).scratch)
    parallelFor(count: shape.batch * maps.design.stateHeads, workers: spaces.count) {
      range, worker in
      for index in range {
        let (row, head) = index.quotientAndRemainder(dividingBy: maps.design.stateHeads)
        let part = HeadView(shape, maps.design, row: row, stateHead: head, q: q, k: k, v: v)
        let state = spaces[worker].state
        maps.design.empty(state)
        call.attend(
          part, past: -part.sinkK.rows, position: part.sinkK.rows, state: state, spaces[worker],
          into: shape.part(out, row: row, head: part.firstHead, count: maps.design.group))
      }
    }
  }
}
