// Softmax attention of one new position against a cache of earlier keys and values.

internal import HHKernels

extension SoftmaxAttention {
  /// Computes the outputs of one query position per sequence.
  ///
  /// - Parameters:
  ///   - q: Queries [batch, queryHeads · headSize].
  ///   - keys: Cache [batch · capacity, keyValueHeads · headSize].
  ///   - values: As `keys`.
  ///   - count: Positions filled in every sequence of the cache, the new one included.
  ///   - shape: Sizes of the cache: `length` is its capacity.
  ///   - scale: Factor of the scores.
  ///   - out: Outputs, as `q`.
  package static func decode(
    q: Matrix, keys: Matrix, values: Matrix, count: Int, shape: AttentionShape, scale: Float,
    into out: Matrix
  ) {
    precondition(count <= shape.length, "decode: more positions than the cache holds")
    precondition(q.rows == shape.batch && out.rows == shape.batch, "decode: one query a sequence")
    shape.check(keys: keys)
    shape.check(keys: values)
    let (group, d) = (shape.queryHeads / shape.keyValueHeads, shape.headSize)
    let scratchCount = softmaxDecodingScratch(keys: count)
    let scratch = (0..<ThreadPolicy.threads).map { _ in FloatBuffer(count: scratchCount) }
    parallelFor(count: shape.batch * shape.keyValueHeads, workers: scratch.count) { range, worker in
      for item in range {
        let (row, head) = item.quotientAndRemainder(dividingBy: shape.keyValueHeads)
        let heads = head * group * d..<(head + 1) * group * d
        let q = q.rows(row..<row + 1).columns(heads)
        let out = out.rows(row..<row + 1).columns(heads)
        let k = shape.part(keys, row: row, head: head, count: 1)
        let v = shape.part(values, row: row, head: head, count: 1)
        var outSpan = out.mutableSpan
        let space = scratch[worker]
        var scratchSpan = space.mutableSpan
        softmaxAttention(
          SoftmaxAttentionItem(
            length: 1, keys: count, headSize: d, group: group, causal: false,
            queryStride: q.stride, keyStride: k.stride, valueStride: v.stride,
            outStride: out.stride),
          q: q.span, k: k.span, v: v.span, scale: scale, into: &outSpan, scratch: &scratchSpan)
      }
    }
  }
}
