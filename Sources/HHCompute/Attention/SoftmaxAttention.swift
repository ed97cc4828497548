// Softmax attention without the matrix of all weights.

internal import HHKernels

/// out = softmax(scale · q kᵀ) v, head by head.
package enum SoftmaxAttention {
  /// Computes the outputs a block of queries at a time.
  ///
  /// - Parameters:
  ///   - q: Queries [batch · length, queryHeads · headSize], possibly columns of a wider matrix.
  ///   - k: Keys [batch · length, keyValueHeads · headSize].
  ///   - v: Values, as `k`.
  ///   - shape: Sizes, mask and padding.
  ///   - scale: Factor of the scores, usually 1/√headSize.
  ///   - out: Outputs, as `q`. Queries in the padding get a result too, of no meaning.
  /// - Complexity: O(length² · headSize) per head; scratch space of 48 · length floats per thread.
  package static func forward(
    q: Matrix, k: Matrix, v: Matrix, shape: AttentionShape, scale: Float, into out: Matrix
  ) {
    shape.check(queries: q)
    shape.check(queries: out)
    shape.check(keys: k)
    shape.check(keys: v)
    let group = shape.queryHeads / shape.keyValueHeads
    let scratchCount = softmaxAttentionScratch(keys: shape.length, headSize: shape.headSize)
    let scratch = (0..<ThreadPolicy.threads).map { _ in FloatBuffer(count: scratchCount) }
    parallelFor(count: shape.batch * shape.keyValueHeads, workers: scratch.count) { range, worker in
      for item in range {
        let (row, head) = item.quotientAndRemainder(dividingBy: shape.keyValueHeads)
        let q = shape.part(q, row: row, head: head * group, count: group)
        let k = shape.part(k, row: row, head: head, count: 1)
        let v = shape.part(v, row: row, head: head, count: 1)
        let out = shape.part(out, row: row, head: head * group, count: group)
        var outSpan = out.mutableSpan
        let space = scratch[worker]
        var scratchSpan = space.mutableSpan
        softmaxAttention(
          SoftmaxAttentionItem(
            length: shape.length, keys: shape.keyLength(row), headSize: shape.headSize,
            group: group, causal: shape.causal, queryStride: q.stride, keyStride: k.stride,
            valueStride: v.stride, outStride: out.stride),
          q: q.span, k: k.span, v: v.span, scale: scale, into: &outSpan, scratch: &scratchSpan)
      }
    }
  }
}
