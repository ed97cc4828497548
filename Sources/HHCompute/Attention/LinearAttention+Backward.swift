// The backward pass of linear attention with feature maps of any kind.

internal import HHKernels

extension LinearAttention {
  /// The gradients of `forward` through queries, keys, values, feature maps and window factors.
  ///
  /// The result is the same, bit for bit, for every number of threads. Padding gets zeros.
  ///
  /// - Parameters:
  ///   - gradients: q, k, v and the output, with their gradients.
  ///   - shape: Sizes, mask and padding.
  ///   - scale: Factor of the window's scores.
  ///   - maps: Feature maps of the layer.
  ///   - mapGradients: Added to; nil where the maps are frozen.
  ///   - scratch: Memory.
  /// - Complexity: O(length · (headSize · features + window)) per head; scratch space of
  ///   O(length · features) floats per thread.
  package static func backward(
    _ gradients: AttentionGradients, shape: AttentionShape, scale: Float, maps: FeatureMaps,
    mapGradients: FeatureMapGradients?, scratch: ScratchSpace
  ) {
    gradients.check(shape)
    maps.check(shape)
    for matrix in [gradients.dQ, gradients.dK, gradients.dV] { clear(matrix) }
    let design = maps.design
    let partCount = FeatureMapGradients.parts(design).count
    let partials = scratch.buffer(count: shape.batch * design.stateHeads * partCount)
    let call = HeadCall(maps: maps, causal: shape.causal, scale: scale)
    let spaces = scratch.heads(
      rows: shape.length, maps, kernelCount: call.item(shape.length, shape.length).backwardScratch,
      hasGradients: true)
    // State heads that share a key/value head add to the same gradients: one thread does them all.
    let sharing = design.stateHeads / shape.keyValueHeads
    parallelFor(count: shape.batch * shape.keyValueHeads, workers: spaces.count) { range, worker in
      for index in range {
        let (row, keyHead) = index.quotientAndRemainder(dividingBy: shape.keyValueHeads)
        for head in keyHead * sharing..<(keyHead + 1) * sharing {
          backward(
            gradients, shape, call, row: row, stateHead: head, spaces[worker], partials,
            start: (row * design.stateHeads + head) * partCount)
        }
      }
    }
    mapGradients?.add(partials, batch: shape.batch, maps: maps)
  }

  /// One sequence and state head.
  private static func backward(
    _ gradients: AttentionGradients, _ shape: AttentionShape, _ call: HeadCall, row: Int,
    stateHead: Int, _ space: HeadScratch, _ partials: FloatBuffer, start: Int
  ) {
    let maps = call.maps
    let (design, function) = (maps.design, maps.design.function)
    let parts = FeatureMapGradients.parts(design)
    let ofMap = function.parameters(headSize: design.headSize)
    let part = HeadView(
      shape, design, row: row, stateHead: stateHead, q: gradients.q, k: gradients.k,
      v: gradients.v)
    let (sinks, count) = (part.sinkK.rows, part.allKeys)
    func ofKeys(_ matrix: Matrix) -> (sinks: Matrix, keys: Matrix) {
      let head = shape.part(matrix, row: row, head: part.keyValueHead, count: 1)
      return (head.rows(0..<sinks), head.rows(sinks..<count))
    }
    let (dK, dV) = (ofKeys(gradients.dK), ofKeys(gradients.dV))
    let keyParameters = maps.keyRows[design.keyMap(stateHead)]
    let scales = space.map(part.k, keyParameters, call, position: sinks, to: .keys)
    let dPhiK = space.gradients(.keys, rows: part.k.rows, call)
    let dPhiQ = space.gradients(.queries, rows: count, call)
    empty(dPhiK)
    empty(Matrix(partials, offset: start, rows: 1, columns: parts.count))
    for g in 0..<design.group {
      let head = part.firstHead + g
      func of(_ matrix: Matrix) -> Matrix { shape.part(matrix, row: row, head: head, count: 1) }
      let (query, out, dOut, dQ) = (
        of(gradients.q), of(gradients.out), of(gradients.dOut), of(gradients.dQ)
      )
      let queryParameters = maps.queryRows[design.queryMap(head)]
      _ = space.map(query, queryParameters, call, to: .queries)
      var item = call.item(part)
      item.outStride = out.stride
      let windowFactor = Matrix(call.windowFactors, offset: head, rows: 1, columns: 1)
      let dWindowFactor = backward(
        item, query, part, windowFactor, scales, space, out: out,
        HeadGradients(dOut: dOut, dQ: dQ, dK: dK, dV: dV, dPhiQ: dPhiQ, dPhiK: dPhiK))
      function.backward(
        FeatureInput(
          x: query.rows(0..<count), parameters: queryParameters, scratch: space.mapScratch),
        phi: space.features(.queries, rows: count, call), dPhi: dPhiQ, dX: dQ.rows(0..<count),
        gradients: parts.gradients(partials, start: start, map: g, ofMap))
      if parts.hasWindow {
        var sums = partials.mutableSpan
        sums[start + parts.window(g)] += dWindowFactor
      }
    }
    function.backward(
      FeatureInput(
        x: part.k, position: sinks, parameters: keyParameters, scratch: space.mapScratch),
      phi: space.features(.keys, rows: part.k.rows, call), dPhi: dPhiK, dX: dK.keys,
      gradients: parts.gradients(partials, start: start, map: design.group, ofMap))
  }

  /// Gradients of one query head and its keys.
  private struct HeadGradients {
    let dOut: Matrix
    let dQ: Matrix
    let dK: (sinks: Matrix, keys: Matrix)
    let dV: (sinks: Matrix, keys: Matrix)
    let dPhiQ: Matrix
    let dPhiK: Matrix
  }

  /// The kernel's call; returns the gradient of the window's factor. It stands apart because the
  /// optimiser of Swift 6.3 gives up on spans of matrices that it sees being made.
  @inline(never)
  private static func backward(
    _ item: LinearAttentionItem, _ query: Matrix, _ part: HeadView, _ windowFactor: Matrix,
    _ scales: FloatBuffer,
    _ space: HeadScratch, out: Matrix, _ gradients: HeadGradients
  ) -> Float {
    let (phiQ, phiK, memory) = (space.phiQ, space.phiK, space.kernel)
    let inputs = LinearAttentionInputs(
      q: query.span, k: part.k.span, v: part.v.span, sinkK: part.sinkK.span,
      sinkV: part.sinkV.span, phiQ: phiQ.span, phiK: phiK.span, scales: scales.span,
      windowFactors: windowFactor.span)
    var dPhiQ = gradients.dPhiQ.mutableSpan
    var dPhiK = gradients.dPhiK.mutableSpan
    var dQ = gradients.dQ.mutableSpan
    var dK = gradients.dK.keys.mutableSpan
    var dV = gradients.dV.keys.mutableSpan
    var dSinkK = gradients.dK.sinks.mutableSpan
    var dSinkV = gradients.dV.sinks.mutableSpan
    var kernel = memory.mutableSpan
    return linearAttentionBackward(
      item, inputs, out: out.span, dOut: gradients.dOut.span,
      strides: AttentionGradientStrides(
        dOut: gradients.dOut.stride, dQ: gradients.dQ.stride, dK: gradients.dK.keys.stride,
        dV: gradients.dV.keys.stride),
      dPhiQ: &dPhiQ, dPhiK: &dPhiK, dQ: &dQ, dK: &dK, dV: &dV, dSinkK: &dSinkK,
      dSinkV: &dSinkV, scratch: &kernel)
  }
}
