// The backward pass of Hedgehog linear attention, in time linear in the length.

internal import HHKernels

extension HedgehogAttention {
  /// The gradients of `forward` through queries, keys, values and feature maps.
  ///
  /// The result is the same, bit for bit, for every number of threads. Padding gets zeros.
  ///
  /// - Parameters:
  ///   - gradients: q, k, v and the output, with their gradients.
  ///   - shape: Sizes, mask and padding.
  ///   - maps: Feature maps of the layer.
  ///   - mapGradients: Added to; nil where the maps are frozen.
  ///   - scratch: Memory.
  /// - Complexity: O(length · headSize · features) per head; scratch space of O(length · features)
  ///   floats per thread.
  package static func backward(
    _ gradients: AttentionGradients, shape: AttentionShape, maps: HedgehogMaps,
    mapGradients: HedgehogMapGradients?, scratch: ScratchSpace
  ) {
    gradients.check(shape)
    maps.check(shape)
    clear(gradients.dK)
    clear(gradients.dV)
    let group = shape.queryHeads / maps.keyHeads
    let (d, half) = (shape.headSize, maps.projectionSize)
    let partCount = distillationGradients(headSize: d, half: half, group: group)
    let partials = scratch.buffer(count: shape.batch * maps.keyHeads * partCount)
    let spaces = scratch.workers(
      count: linearAttentionBackwardScratch(keys: shape.length, headSize: d, half: half))
    // Key maps that share a key/value head add to the same gradients: one thread does them all.
    let sharing = maps.keyHeads / shape.keyValueHeads
    parallelFor(count: shape.batch * shape.keyValueHeads, workers: spaces.count) { range, worker in
      for item in range {
        let (row, keyHead) = item.quotientAndRemainder(dividingBy: shape.keyValueHeads)
        for head in keyHead * sharing..<(keyHead + 1) * sharing {
          let part = gradients.part(
            shape, row: row, head: head * group, count: group, keyHead: keyHead)
          let space = spaces[worker]
          var scratchSpan = space.mutableSpan
          var dQ = part.dQ.mutableSpan
          var dK = part.dK.mutableSpan
          var dV = part.dV.mutableSpan
          let start = (row * maps.keyHeads + head) * partCount
          var sums = partials.mutableSpan(start..<start + partCount)
          sums.update(repeating: 0)
          linearAttentionBackward(
            part.item(shape, row: row, group: group),
            AttentionRecord(
              q: part.q.span, k: part.k.span, v: part.v.span, out: part.out.span,
              dOut: part.dOut.span), maps: maps.spans(head: head, group: group), dQ: &dQ, dK: &dK,
            dV: &dV, strides: part.strides, dMaps: &sums, scratch: &scratchSpan)
        }
      }
    }
    mapGradients?.add(partials, batch: shape.batch)
  }
}
