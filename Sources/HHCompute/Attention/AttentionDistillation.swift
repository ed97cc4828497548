// Distillation of a layer's softmax attention into its Hedgehog feature maps.

internal import HHKernels
internal import Synchronization

/// The loss of one layer and, on request, its gradients.
///
/// With P the teacher's softmax weights and S the student's normalised weights,
/// loss = mean over sequences, query heads and valid queries of −Σ_j P_ij log S_ij: the soft
/// cross-entropy of Hedgehog (arXiv 2402.04347) in the closed form that needs no n × n matrix.
///
/// An object owns the scratch space of its calls, so that training steps allocate nothing; it
/// grows when a larger shape comes. One call at a time.
package final class AttentionDistillation {
  /// What a call computes.
  package enum Measure: Sendable {
    /// Gradients only; saves the logarithms.
    case gradientOnly
    /// Loss and divergence only.
    case lossOnly
    /// Gradients, loss and divergence.
    case both
  }

  private var scratch: [FloatBuffer] = []  // one per thread
  private var partials = FloatBuffer(count: 0)  // (batch, keyHeads, gradients of an item)

  /// Creates an object without scratch space yet.
  package init() {}

  /// Computes the loss of a batch and overwrites `gradients`.
  ///
  /// The result is the same, bit for bit, for every number of threads.
  ///
  /// - Parameters:
  ///   - q: Teacher's queries [batch · length, queryHeads · headSize], rotary positions applied.
  ///   - k: Teacher's keys [batch · length, keyValueHeads · headSize].
  ///   - shape: Sizes, mask and padding. Queries in the padding do not count.
  ///   - scale: Factor of the teacher's scores, usually 1/√headSize.
  ///   - maps: The student's feature maps.
  ///   - sample: The queries of each sequence that count; their keys are always all of them.
  ///   - gradients: Overwritten with the gradients of the loss, unless only the loss is asked for.
  ///   - measure: What to compute.
  /// - Returns: Means per query head; zeros if only gradients are asked for.
  /// - Complexity: O(length² · (headSize + features)) per head; scratch space of O(length) floats
  ///   per thread.
  package func lossAndGradient(
    q: Matrix, k: Matrix, shape: AttentionShape, scale: Float, maps: HedgehogMaps,
    sample: QuerySample = .all, gradients: HedgehogMapGradients, measure: Measure = .both
  ) -> DistillationLoss {
    shape.check(queries: q)
    shape.check(keys: k)
    maps.check(shape)
    precondition(
      zip(gradients.parameters, maps.parameters).allSatisfy { $0.count == $1.count },
      "AttentionDistillation: the gradients do not fit the maps")
    let group = shape.queryHeads / maps.keyHeads
    let (d, half) = (shape.headSize, maps.projectionSize)
    let partCount = distillationGradients(headSize: d, half: half, group: group)
    let items = shape.batch * maps.keyHeads
    reserve(
      scratchCount: distillationScratch(keys: shape.length, headSize: d, half: half),
      partialCount: items * partCount)
    let (scratch, partials) = (self.scratch, self.partials)
    let queries = shape.queryCount(sample)
    let weight = 1 / Float(max(1, queries) * shape.queryHeads)
    let sums = Mutex([[DistillationSums]](repeating: [], count: items))
    parallelFor(count: items, workers: scratch.count) { range, worker in
      for item in range {
        let (row, head) = item.quotientAndRemainder(dividingBy: maps.keyHeads)
        let keyValueHead = head * shape.keyValueHeads / maps.keyHeads
        let q = shape.part(q, row: row, head: head * group, count: group)
        let k = shape.part(k, row: row, head: keyValueHead, count: 1)
        let space = scratch[worker]
        var scratchSpan = space.mutableSpan
        var gradientSpan = partials.mutableSpan(item * partCount..<(item + 1) * partCount)
        let result = distil(
          AttentionItem(
            length: shape.length, keys: shape.keyLength(row), headSize: d, group: group,
            causal: shape.causal, queryStride: q.stride, keyStride: k.stride),
          q: q.span, k: k.span, maps: maps.spans(head: head, group: group), scale: scale,
          weight: weight, firstQuery: sample.first, queryStep: sample.step,
          measure: measure.kernelMeasure, gradients: &gradientSpan, scratch: &scratchSpan)
        sums.withLock { $0[item] = result }
      }
    }
    if measure != .lossOnly {
      for buffer in gradients.parameters { clear(buffer) }
      gradients.add(partials, batch: shape.batch)
    }
    return DistillationLoss(
      sums.withLock { $0.map { $0.map { HeadSums(weights: $0) } } }, shape: shape,
      queries: queries, stateHeads: maps.keyHeads)
  }

  /// Makes room for a call.
  private func reserve(scratchCount: Int, partialCount: Int) {
    if scratch.count < ThreadPolicy.threads || (scratch.first?.count ?? 0) < scratchCount {
      scratch = (0..<ThreadPolicy.threads).map { _ in FloatBuffer(count: scratchCount) }
    }
    if partials.count < partialCount { partials = FloatBuffer(count: partialCount) }
  }
}

extension AttentionDistillation.Measure {
  var kernelMeasure: DistillationMeasure {
    switch self {
    case .gradientOnly: .gradientOnly
    case .lossOnly: .lossOnly
    case .both: .both
    }
  }
}
