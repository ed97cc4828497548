// Linear attention with feature maps of any kind, with or without a window of softmax weights.

internal import HHKernels

/// out_i = Σ_j w_ij v_j / (Σ_j w_ij + ε), w_ij = φ_q(q_i) · φ_k(k_j); for keys inside the window of
/// query i in their place γ exp(s_ij − max s), s the softmax's scores (LoLCATs, arXiv 2410.10254,
/// equation 7). Every visible key counts once.
package enum LinearAttention {
  /// Computes the outputs, by the fused kernels where they know the map.
  ///
  /// - Parameters:
  ///   - q: Queries [batch · length, queryHeads · headSize], possibly columns of a wider matrix.
  ///   - k: Keys [batch · length, keyValueHeads · headSize].
  ///   - v: Values, as `k`.
  ///   - shape: Sizes, mask and padding.
  ///   - scale: Factor of the window's scores, usually 1/√headSize.
  ///   - maps: Feature maps of the layer.
  ///   - out: Outputs, as `q`. Queries in the padding get a result too, of no meaning.
  /// - Complexity: O(length · (headSize · features + window)) per head; scratch space of
  ///   O(length · features) floats per thread.
  package static func forward(
    q: Matrix, k: Matrix, v: Matrix, shape: AttentionShape, scale: Float, maps: FeatureMaps,
    into out: Matrix
  ) {
    maps.check(shape)
    if let fused = maps.fused {
      HedgehogAttention.forward(q: q, k: k, v: v, shape: shape, maps: fused, into: out)
      return
    }
    general(q: q, k: k, v: v, shape: shape, scale: scale, maps: maps, into: out)
  }

  /// As `forward`, by the general kernels whatever the map is.
  package static func general(
    q: Matrix, k: Matrix, v: Matrix, shape: AttentionShape, scale: Float, maps: FeatureMaps,
    into out: Matrix
  ) {
    shape.check(queries: q)
    shape.check(queries: out)
    shape.check(keys: k)
    shape.check(keys: v)
    maps.check(shape)
    let spaces = HeadSpace.workers(shape, maps, scale: scale) { $0.scratch }
    parallelFor(count: shape.batch * maps.design.stateHeads, workers: spaces.count) {
      range, worker in
      let space = spaces[worker]
      for index in range {
        let (row, head) = index.quotientAndRemainder(dividingBy: maps.design.stateHeads)
        let part = HeadPart(shape, maps, row: row, stateHead: head, q: q, k: k, v: v)
        let scales = space.map(
          part.k, maps.keyParameters(maps.design.keyMap(head)), maps, to: .keys)
        for g in 0..<maps.design.group {
          let query = part.query(g)
          _ = space.map(
            query, maps.queryParameters(maps.design.queryMap(part.firstHead + g)), maps,
            to: .queries)
          let target = shape.part(out, row: row, head: part.firstHead + g, count: 1)
          var item = part.item(shape, maps, scale: scale, head: part.firstHead + g)
          item.outStride = target.stride
          space.attend(
            item, query: query, key: part.k, value: part.v, scales: scales, state: nil,
            into: target)
        }
      }
    }
  }
}

/// The rows and columns that one state head works on.
struct HeadPart {
  let row: Int
  /// The first of the group's query heads.
  let firstHead: Int
  let keyValueHead: Int
  /// Valid keys and values, [keys, head size].
  let k: Matrix
  let v: Matrix
  private let q: Matrix
  private let shape: AttentionShape

  init(
    _ shape: AttentionShape, _ maps: FeatureMaps, row: Int, stateHead: Int, q: Matrix, k: Matrix,
    v: Matrix
  ) {
    self.shape = shape
    self.row = row
    self.q = q
    firstHead = stateHead * maps.design.group
    keyValueHead = stateHead * shape.keyValueHeads / maps.design.stateHeads
    let keys = shape.keyLength(row)
    self.k = shape.part(k, row: row, head: keyValueHead, count: 1).rows(0..<keys)
    self.v = shape.part(v, row: row, head: keyValueHead, count: 1).rows(0..<keys)
  }

  /// Queries of the group's head `g`, [length, head size].
  func query(_ g: Int) -> Matrix { shape.part(q, row: row, head: firstHead + g, count: 1) }

  /// The kernel's item of a query head, without an output.
  func item(_ shape: AttentionShape, _ maps: FeatureMaps, scale: Float, head: Int)
    -> FeatureAttentionItem
  {
    FeatureAttentionItem(
      length: shape.length, keys: k.rows, headSize: shape.headSize,
      features: maps.design.features, window: maps.design.window, causal: shape.causal,
      queryStride: q.stride, keyStride: k.stride, valueStride: v.stride, outStride: shape.headSize,
      scoreScale: scale, mixing: maps.mixing[head], epsilon: maps.design.epsilon)
  }
}

/// Memory of one thread for one head's features.
struct HeadSpace: Sendable {
  enum Side { case queries, keys }

  /// [length, features] each.
  let phiQ: FloatBuffer
  let phiK: FloatBuffer
  /// The scales of queries, of no use, and of keys.
  private let scalesQ: FloatBuffer
  private let scalesK: FloatBuffer
  private let none = FloatBuffer(count: 0)
  let mapScratch: FloatBuffer
  let kernel: FloatBuffer

  init(rows: Int, maps: FeatureMaps, kernelCount: Int) {
    let (function, size) = (maps.design.function, maps.design.headSize)
    phiQ = FloatBuffer(count: rows * maps.design.features)
    phiK = FloatBuffer(count: rows * maps.design.features)
    scalesQ = FloatBuffer(count: rows)
    scalesK = FloatBuffer(count: rows)
    mapScratch = FloatBuffer(count: function.scratchCount(rows: rows, headSize: size))
    kernel = FloatBuffer(count: max(1, kernelCount))
  }

  /// Spaces for every thread, for kernels that need as much as `count` says.
  static func workers(
    _ shape: AttentionShape, _ maps: FeatureMaps, scale: Float,
    count: (FeatureAttentionItem) -> Int
  ) -> [HeadSpace] {
    let item = FeatureAttentionItem(
      length: shape.length, keys: shape.length, headSize: shape.headSize,
      features: maps.design.features, window: maps.design.window, causal: shape.causal,
      queryStride: shape.headSize, keyStride: shape.headSize, valueStride: shape.headSize,
      outStride: shape.headSize, scoreScale: scale, mixing: 0, epsilon: 0)
    return workers(rows: shape.length, maps, kernelCount: count(item))
  }

  /// Spaces for every thread, for `rows` queries or keys.
  static func workers(rows: Int, _ maps: FeatureMaps, kernelCount: Int) -> [HeadSpace] {
    (0..<ThreadPolicy.threads).map { _ in
      HeadSpace(rows: rows, maps: maps, kernelCount: kernelCount)
    }
  }

  /// Features of rows, into `phiQ` or `phiK`; returns the scales, none where all are zero.
  func map(
    _ x: Matrix, _ parameters: [Matrix], _ maps: FeatureMaps, position: Int = 0, step: Int = 1,
    to side: Side
  ) -> FloatBuffer {
    let scales = side == .queries ? scalesQ : scalesK
    maps.design.function.forward(
      FeatureInput(
        x: x, position: position, step: step, parameters: parameters, scratch: mapScratch),
      into: features(side, rows: x.rows, maps), scales: scales)
    return maps.design.function.hasScales ? scales : none
  }

  /// The features of one side as a matrix.
  func features(_ side: Side, rows: Int, _ maps: FeatureMaps) -> Matrix {
    Matrix(side == .queries ? phiQ : phiK, rows: rows, columns: maps.design.features)
  }

  /// The kernel's call for one query head whose features, and its keys', lie here. It begins with
  /// `state`, where there is one, and with `movesOn` leaves the new one there.
  ///
  /// It stands apart because the optimiser of Swift 6.3 gives up on spans of matrices that it sees
  /// being made.
  @inline(never)
  func attend(
    _ item: FeatureAttentionItem, query: Matrix, key: Matrix, value: Matrix, scales: FloatBuffer,
    state: Matrix?, movesOn: Bool = false, into out: Matrix
  ) {
    let inputs = FeatureAttentionInputs(
      q: query.span, k: key.span, v: value.span, phiQ: phiQ.span, phiK: phiK.span,
      scales: scales.span)
    var outSpan = out.mutableSpan
    var scratch = kernel.mutableSpan
    var none = MutableSpan<Float>()
    guard let state else {
      featureAttention(
        item, inputs, before: Span(), after: &none, into: &outSpan, scratch: &scratch)
      return
    }
    let before = state.span
    guard movesOn else {
      featureAttention(
        item, inputs, before: before, after: &none, into: &outSpan, scratch: &scratch)
      return
    }
    var after = state.mutableSpan
    featureAttention(
      item, inputs, before: before, after: &after, into: &outSpan, scratch: &scratch)
  }
}
