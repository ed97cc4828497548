// The backward pass of softmax attention, without the matrix of all weights.

internal import HHKernels

/// The matrices of an attention's forward pass with their gradients, in the shapes of the forward
/// pass: gradients of q, k and v are overwritten.
package struct AttentionGradients: Sendable {
  /// What the forward pass was given and gave.
  package let q: Matrix
  package let k: Matrix
  package let v: Matrix
  package let out: Matrix
  /// The gradient of `out`.
  package let dOut: Matrix
  /// The gradients of q, k and v; possibly columns of a wider matrix.
  package let dQ: Matrix
  package let dK: Matrix
  package let dV: Matrix

  /// Gathers the matrices.
  package init(
    q: Matrix, k: Matrix, v: Matrix, out: Matrix, dOut: Matrix, dQ: Matrix, dK: Matrix, dV: Matrix
  ) {
    (self.q, self.k, self.v, self.out) = (q, k, v, out)
    (self.dOut, self.dQ, self.dK, self.dV) = (dOut, dQ, dK, dV)
  }

  func check(_ shape: AttentionShape) {
    for matrix in [q, out, dOut, dQ] { shape.check(queries: matrix) }
    for matrix in [k, v, dK, dV] { shape.check(keys: matrix) }
  }

  /// One sequence, `count` query heads from `head`, and key/value head `keyHead`.
  func part(_ shape: AttentionShape, row: Int, head: Int, count: Int, keyHead: Int)
    -> AttentionGradients
  {
    func queries(_ x: Matrix) -> Matrix { shape.part(x, row: row, head: head, count: count) }
    func keys(_ x: Matrix) -> Matrix { shape.part(x, row: row, head: keyHead, count: 1) }
    return AttentionGradients(
      q: queries(q), k: keys(k), v: keys(v), out: queries(out), dOut: queries(dOut),
      dQ: queries(dQ), dK: keys(dK), dV: keys(dV))
  }

  func item(_ shape: AttentionShape, row: Int, group: Int) -> SoftmaxAttentionItem {
    SoftmaxAttentionItem(
      length: shape.length, keys: shape.keyLength(row), headSize: shape.headSize, group: group,
      causal: shape.causal, queryStride: q.stride, keyStride: k.stride, valueStride: v.stride,
      outStride: out.stride)
  }

  var strides: AttentionGradientStrides {
    AttentionGradientStrides(dOut: dOut.stride, dQ: dQ.stride, dK: dK.stride, dV: dV.stride)
  }
}

extension SoftmaxAttention {
  /// The gradients of `forward`, which recomputes the weights a block of queries at a time.
  ///
  /// The result is the same, bit for bit, for every number of threads. Padding gets zeros.
  ///
  /// - Complexity: O(length² · headSize) per head; scratch space of O(length · headSize) floats per
  ///   thread.
  package static func backward(
    _ gradients: AttentionGradients, shape: AttentionShape, scale: Float, scratch: ScratchSpace
  ) {
    gradients.check(shape)
    clear(gradients.dK)
    clear(gradients.dV)
    let group = shape.queryHeads / shape.keyValueHeads
    let spaces = scratch.workers(
      count: softmaxAttentionBackwardScratch(keys: shape.length, headSize: shape.headSize))
    parallelFor(count: shape.batch * shape.keyValueHeads, workers: spaces.count) { range, worker in
      for item in range {
        let (row, head) = item.quotientAndRemainder(dividingBy: shape.keyValueHeads)
        let part = gradients.part(
          shape, row: row, head: head * group, count: group, keyHead: head)
        let space = spaces[worker]
        var scratchSpan = space.mutableSpan
        var dQ = part.dQ.mutableSpan
        var dK = part.dK.mutableSpan
        var dV = part.dV.mutableSpan
        softmaxAttentionBackward(
          part.item(shape, row: row, group: group),
          SoftmaxAttentionRecord(
            q: part.q.span, k: part.k.span, v: part.v.span, out: part.out.span,
            dOut: part.dOut.span), scale: scale, dQ: &dQ, dK: &dK, dV: &dV,
          strides: part.strides, scratch: &scratchSpan)
      }
    }
  }
}
