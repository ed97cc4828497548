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
package final class FeatureDistillation {
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

  private let factors: Factors
  private let scratch = ScratchSpace()
  private var spaces: [(features: HeadSpace, deltas: HeadSpace)] = []
  private var spaceLength = 0

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
    measure: AttentionDistillation.Measure = .both
  ) -> DistillationLoss {
    shape.check(queries: q)
    shape.check(keys: k)
    maps.check(shape)
    let design = maps.design
    let partCount = FeatureMapGradients.parts(design).count
    let items = shape.batch * design.stateHeads
    let partials = scratch.buffer(count: items * partCount)
    clear(partials)
    reserve(shape, maps, scale: scale)
    let spaces = self.spaces
    let queries = shape.queryCount(sample)
    let factor = 1 / Double(max(1, queries) * shape.queryHeads)
    let call = Call(
      weights: Float(factor * factors.weights), outputs: Float(factor * factors.outputs),
      measure: measure.kernelMeasure, scale: scale, shape: shape, maps: maps,
      sample: sample)
    let sums = Mutex([[HeadSums]](repeating: [], count: items))
    parallelFor(count: items, workers: spaces.count) { range, worker in
      for item in range {
        let (row, head) = item.quotientAndRemainder(dividingBy: design.stateHeads)
        let part = HeadPart(shape, maps, row: row, stateHead: head, q: q, k: k, v: v ?? k)
        let result = call.run(
          part, comparesOutputs: v != nil, stateHead: head, spaces[worker].features,
          spaces[worker].deltas, partials, start: item * partCount)
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

  private func reserve(_ shape: AttentionShape, _ maps: FeatureMaps, scale: Float) {
    guard spaces.count < ThreadPolicy.threads || spaceLength < shape.length else { return }
    let features = HeadSpace.workers(shape, maps, scale: scale) { $0.distillationScratch }
    let deltas = HeadSpace.workers(shape, maps, scale: scale) { _ in 0 }
    spaces = zip(features, deltas).map { ($0, $1) }
    spaceLength = shape.length
  }
}

/// What all items of a call have in common.
private struct Call: Sendable {
  let weights: Float
  let outputs: Float
  let measure: DistillationMeasure
  let scale: Float
  let shape: AttentionShape
  let maps: FeatureMaps
  let sample: QuerySample

  /// One sequence and state head.
  func run(
    _ part: HeadPart, comparesOutputs: Bool, stateHead: Int, _ space: HeadSpace, _ delta: HeadSpace,
    _ partials: FloatBuffer, start: Int
  ) -> [HeadSums] {
    let (design, function, keys) = (maps.design, maps.design.function, part.k.rows)
    let parts = FeatureMapGradients.parts(design)
    let ofMap = function.parameters(headSize: design.headSize)
    let keyParameters = maps.keyParameters(design.keyMap(stateHead))
    let scales = space.map(part.k, keyParameters, maps, to: .keys)
    let dPhiK = delta.features(.keys, rows: keys, maps)
    clear(dPhiK)
    // Queries and keys are the teacher's: their gradients go nowhere.
    let dX = Matrix(rows: keys, columns: design.headSize)
    var result: [HeadSums] = []
    for g in 0..<design.group {
      let head = part.firstHead + g
      let all = part.query(g)
      let query = Matrix(
        all.buffer, offset: all.offset + min(sample.first, all.rows - 1) * all.stride,
        rows: sample.count(length: keys), columns: all.columns, stride: sample.step * all.stride)
      let queryParameters = maps.queryParameters(design.queryMap(head))
      _ = space.map(
        query, queryParameters, maps, position: sample.first, step: sample.step, to: .queries)
      var item = part.item(shape, maps, scale: scale, head: head)
      item.length = query.rows
      item.past = sample.first
      item.queryStep = sample.step
      item.queryStride = query.stride
      let dPhiQ = delta.features(.queries, rows: query.rows, maps)
      let (sums, outputError, dMixing) = distil(
        item, query, part, scales, space, comparesOutputs: comparesOutputs, dPhiQ: dPhiQ,
        dPhiK: dPhiK)
      result.append(HeadSums(weights: sums, outputError: outputError))
      guard measure != .lossOnly else { continue }
      function.backward(
        FeatureInput(
          x: query, position: sample.first, step: sample.step, parameters: queryParameters,
          scratch: space.mapScratch),
        phi: space.features(.queries, rows: query.rows, maps), dPhi: dPhiQ,
        dX: dX.rows(0..<query.rows),
        gradients: parts.gradients(partials, start: start, map: g, ofMap))
      if parts.hasWindow {
        var span = partials.mutableSpan
        span[start + parts.window(g)] += dMixing
      }
    }
    if measure != .lossOnly {
      function.backward(
        FeatureInput(x: part.k, parameters: keyParameters, scratch: space.mapScratch),
        phi: space.features(.keys, rows: keys, maps), dPhi: dPhiK, dX: dX,
        gradients: parts.gradients(partials, start: start, map: design.group, ofMap))
    }
    return result
  }

  /// The kernel's call. It stands apart because the optimiser of Swift 6.3 gives up on spans of
  /// matrices that it sees being made.
  @inline(never)
  private func distil(
    _ item: FeatureAttentionItem, _ query: Matrix, _ part: HeadPart, _ scales: FloatBuffer,
    _ space: HeadSpace, comparesOutputs: Bool, dPhiQ: Matrix, dPhiK: Matrix
  ) -> (sums: DistillationSums, outputError: Double, dMixing: Float) {
    let inputs = FeatureAttentionInputs(
      q: query.span, k: part.k.span, v: part.v.span, phiQ: space.phiQ.span,
      phiK: space.phiK.span, scales: scales.span)
    var dPhiQSpan = dPhiQ.mutableSpan
    var dPhiKSpan = dPhiK.mutableSpan
    var kernel = space.kernel.mutableSpan
    return distilFeatures(
      item, inputs, comparesOutputs: comparesOutputs, weightsFactor: weights,
      outputsFactor: outputs, measure: measure, dPhiQ: &dPhiQSpan, dPhiK: &dPhiKSpan,
      scratch: &kernel)
  }
}
