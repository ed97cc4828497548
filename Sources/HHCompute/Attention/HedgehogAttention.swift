// Hedgehog linear attention: time linear in the length.

internal import HHKernels

/// out = φ(q) S / (φ(q) z + ε) with S = Σ φ(k) vᵀ and z = Σ φ(k) over the visible keys.
package enum HedgehogAttention {
  /// Computes the outputs: one state for all queries, or with a causal mask chunk by chunk, where a
  /// chunk of 64 positions is quadratic within itself.
  ///
  /// - Parameters:
  ///   - q: Queries [batch · length, queryHeads · headSize], possibly columns of a wider matrix.
  ///   - k: Keys [batch · length, keyValueHeads · headSize].
  ///   - v: Values, as `k`.
  ///   - shape: Sizes, mask and padding.
  ///   - maps: Feature maps of the layer.
  ///   - out: Outputs, as `q`. Queries in the padding get a result too, of no meaning.
  /// - Complexity: O(length · headSize · features) per head; scratch space independent of length.
  package static func forward(
    q: Matrix, k: Matrix, v: Matrix, shape: AttentionShape, maps: HedgehogMaps, into out: Matrix
  ) {
    shape.check(queries: q)
    shape.check(queries: out)
    shape.check(keys: k)
    shape.check(keys: v)
    maps.check(shape)
    let group = shape.queryHeads / maps.keyHeads
    let (d, half) = (shape.headSize, maps.projectionSize)
    let scratchCount = linearAttentionScratch(headSize: d, half: half, group: group)
    let scratch = (0..<ThreadPolicy.threads).map { _ in FloatBuffer(count: scratchCount) }
    parallelFor(count: shape.batch * maps.keyHeads, workers: scratch.count) { range, worker in
      for item in range {
        let (row, head) = item.quotientAndRemainder(dividingBy: maps.keyHeads)
        let keyValueHead = head * shape.keyValueHeads / maps.keyHeads
        let q = shape.part(q, row: row, head: head * group, count: group)
        let k = shape.part(k, row: row, head: keyValueHead, count: 1)
        let v = shape.part(v, row: row, head: keyValueHead, count: 1)
        let out = shape.part(out, row: row, head: head * group, count: group)
        var outSpan = out.mutableSpan
        let space = scratch[worker]
        var scratchSpan = space.mutableSpan
        linearAttention(
          AttentionItem(
            length: shape.length, keys: shape.keyLength(row), headSize: d, group: group,
            causal: shape.causal, queryStride: q.stride, keyStride: k.stride,
            valueStride: v.stride, outStride: out.stride),
          q: q.span, k: k.span, v: v.span, maps: maps.spans(head: head, group: group),
          into: &outSpan, scratch: &scratchSpan)
      }
    }
  }
}

extension HedgehogMaps {
  /// The parameters of key map `head` and of the `group` query maps that go with it.
  @_lifetime(borrow self)
  func spans(head: Int, group: Int) -> FeatureMapSpans {
    let (half, size) = (projectionSize, headSize * projectionSize)
    let queries = head * group..<(head + 1) * group
    let spans = FeatureMapSpans(
      half: half, epsilon: epsilon,
      weightQ: weightQ.span(queries.lowerBound * size..<queries.upperBound * size),
      biasQ: biasQ.span(queries.lowerBound * half..<queries.upperBound * half),
      weightK: weightK.span(head * size..<(head + 1) * size),
      biasK: biasK.span(head * half..<(head + 1) * half))
    // Safe: self holds the buffers that the spans refer to.
    return unsafe _overrideLifetime(spans, borrowing: self)
  }
}
