// Distillation of a layer's softmax attention into feature maps of any kind.

internal import HHKernels
internal import Synchronization

/// The loss of one layer and, on request, its gradients: the weighted sum of
///
/// - the soft cross-entropy −Σ_j P_ij log S_ij of the attention weights, P the teacher's and S the
///   student's (Hedgehog, arXiv 2402.04347), and
/// - the mean squared difference of the heads' outputs Σ_j S_ij v_j and Σ_j P_ij v_j (LoLCATs, arXiv
///   2410.10254, equation 6),
///
/// each a mean over sequences, query heads and valid queries. No n × n matrix is in memory.
package final class AttentionDistillation {
  /// Factors of the two losses.
  package struct Factors: Sendable, Equatable {
    /// Of the cross-entropy of attention weights.
    package var weights: Double
    /// Of the squared error of attention outputs.
    package var outputs: Double

    /// Chooses factors.
    package init(weights: Double = 1, outputs: Double = 0) {
      self.weights = weights
      self.outputs = outputs
    }
  }

  /// What a call computes.
  package enum Measure: Sendable {
    /// Gradients only; saves the logarithms.
    case gradientOnly
    /// Loss and divergence only.
    case lossOnly
    /// Gradients, loss and divergence.
    case both

    fileprivate var ofKernel: DistillationMeasure {
      switch self {
      case .gradientOnly: .gradientOnly
      case .lossOnly: .lossOnly
      case .both: .both
      }
    }
  }

  private let factors: Factors
  private let scratch = ScratchSpace()

  /// Creates an object without memory yet.
  package init(_ factors: Factors = Factors()) { self.factors = factors }

  /// Computes the loss of a batch and overwrites `gradients`.
  ///
  /// The result is the same, bit for bit, for every number of threads. One call at a time; memory
  /// is kept for maps of one design.
  ///
  /// - Parameters:
  ///   - q: Teacher's queries [batch · length, queryHeads · headSize], rotary positions applied.
  ///   - k: Teacher's keys [batch · length, keyValueHeads · headSize].
  ///   - v: Teacher's values, as `k`; needed for the loss of outputs.
  ///   - shape: Sizes, mask and padding. Queries in the padding do not count.
  ///   - scale: Factor of the scores, usually 1/√headSize.
  ///   - maps: The student's feature maps.
  ///   - sample: The queries of each sequence that count; their keys are always all of them.
  ///   - gradients: Overwritten, unless only the loss is asked for.
  ///   - measure: What to compute.
  /// - Returns: Means per query head; zeros if only gradients are asked for.
  package func lossAndGradient(
    q: Matrix, k: Matrix, v: Matrix?, shape: AttentionShape, scale: Float, maps: FeatureMaps,
    sample: QuerySample = .all, gradients: FeatureMapGradients,
    measure: Measure = .both
  ) -> DistillationLoss {
    shape.check(queries: q)
    shape.check(keys: k)
    maps.check(shape)
    let design = maps.design
    let partCount = FeatureMapGradients.parts(design).count
    let items = shape.batch * design.stateHeads
    let partials = scratch.buffer(count: items * partCount)
    let heads = HeadCall(maps: maps, causal: shape.causal, scale: scale)
    let spaces = scratch.heads(
      rows: shape.length, maps,
      kernelCount: heads.item(shape.length, shape.length).distillationScratch, hasGradients: true)
    let queries = shape.queryCount(sample)
    let factor = 1 / Double(max(1, queries) * shape.queryHeads)
    let call = Call(
      weights: Float(factor * factors.weights), outputs: Float(factor * factors.outputs),
      measure: measure.ofKernel, heads: heads, sample: sample)
    let sums = Mutex([[HeadSums]](repeating: [], count: items))
    parallelFor(count: items, workers: spaces.count) { range, worker in
      for item in range {
        let (row, head) = item.quotientAndRemainder(dividingBy: design.stateHeads)
        let part = HeadView(shape, design, row: row, stateHead: head, q: q, k: k, v: v ?? k)
        let result = call.run(
          part, comparesOutputs: v != nil, spaces[worker], partials, start: item * partCount)
        sums.withLock { $0[item] = result }
      }
    }
    if measure != .lossOnly {
      for buffer in gradients.parameters { clear(buffer) }
      gradients.add(partials, batch: shape.batch, maps: maps)
    }
    return DistillationLoss(
      sums.withLock { $0 }, shape: shape, queries: queries,
      stateHeads: design.stateHeads, factors: factors)
  }
}

/// What all items of a call have in common.
private struct Call: Sendable {
  let weights: Float
  let outputs: Float
  let measure: DistillationMeasure
  let heads: HeadCall
  let sample: QuerySample

  /// One sequence and state head.
  func run(
    _ part: HeadView, comparesOutputs: Bool, _ space: HeadScratch, _ partials: FloatBuffer,
    start: Int
  ) -> [HeadSums] {
    let (maps, keys, sinks) = (heads.maps, part.k.rows, part.sinkK.rows)
    let (design, function) = (maps.design, maps.design.function)
    let parts = FeatureMapGradients.parts(design)
    let ofMap = function.parameters(headSize: design.headSize)
    let keyParameters = maps.keyRows[design.keyMap(part.stateHead)]
    let scales = space.map(part.k, keyParameters, heads, position: sinks, to: .keys)
    let count = sample.count(length: part.allKeys)
    let dPhiK = space.gradients(.keys, rows: keys, heads)
    let dPhiQ = space.gradients(.queries, rows: count, heads)
    empty(dPhiK)
    empty(Matrix(partials, offset: start, rows: 1, columns: parts.count))
    var result: [HeadSums] = []
    for g in 0..<design.group {
      let q = part.query(g, 0..<part.q.rows)
      let query = Matrix(
        q.buffer, offset: q.offset + min(sample.first, q.rows - 1) * q.stride, rows: count,
        columns: q.columns, stride: sample.step * q.stride)
      let queryParameters = maps.queryRows[design.queryMap(part.firstHead + g)]
      _ = space.map(
        query, queryParameters, heads, position: sample.first, step: sample.step, to: .queries)
      var item = heads.item(part)
      item.length = count
      item.past = sample.first - sinks
      item.queryStep = sample.step
      item.queryStride = query.stride
      let (sums, outputError, dWindowFactor) = distil(
        item, query, part, g, scales, space, comparesOutputs: comparesOutputs, dPhiQ: dPhiQ,
        dPhiK: dPhiK)
      result.append(HeadSums(weights: sums, outputError: outputError))
      guard measure != .lossOnly else { continue }
      // Queries and keys are the teacher's: nobody asks for their gradients.
      function.backward(
        FeatureInput(
          x: query, position: sample.first, step: sample.step, parameters: queryParameters,
          scratch: space.mapScratch),
        phi: space.features(.queries, rows: count, heads), dPhi: dPhiQ, dX: nil,
        gradients: parts.gradients(partials, start: start, map: g, ofMap))
      if parts.hasWindow {
        var span = partials.mutableSpan
        span[start + parts.window(g)] += dWindowFactor
      }
    }
    if measure != .lossOnly {
      function.backward(
        FeatureInput(
          x: part.k, position: sinks, parameters: keyParameters, scratch: space.mapScratch),
        phi: space.features(.keys, rows: keys, heads), dPhi: dPhiK, dX: nil,
        gradients: parts.gradients(partials, start: start, map: design.group, ofMap))
    }
    return result
  }

  /// The kernel's call. It stands apart because the optimiser of Swift 6.3 gives up on spans of
  /// matrices that it sees being made.
  @inline(never)
  private func distil(
    _ item: LinearAttentionItem, _ query: Matrix, _ part: HeadView, _ g: Int,
    _ scales: FloatBuffer,
    _ space: HeadScratch, comparesOutputs: Bool, dPhiQ: Matrix, dPhiK: Matrix
  ) -> (sums: DistillationSums, outputError: Double, dWindowFactor: Float) {
    let (phiQ, phiK, memory, windowFactors) = (
      space.phiQ, space.phiK, space.kernel, heads.windowFactors
    )
    let inputs = LinearAttentionInputs(
      q: query.span, k: part.k.span, v: part.v.span, sinkK: part.sinkK.span,
      sinkV: part.sinkV.span, phiQ: phiQ.span, phiK: phiK.span, scales: scales.span,
      windowFactors: windowFactors.span(part.firstHead + g..<part.firstHead + g + 1))
    var dPhiQSpan = dPhiQ.mutableSpan
    var dPhiKSpan = dPhiK.mutableSpan
    var kernel = memory.mutableSpan
    return distilLinearAttention(
      item, inputs, hasPacked: g > 0, comparesOutputs: comparesOutputs, weightsFactor: weights,
      outputsFactor: outputs, measure: measure, dPhiQ: &dPhiQSpan, dPhiK: &dPhiKSpan,
      scratch: &kernel)
  }
}
