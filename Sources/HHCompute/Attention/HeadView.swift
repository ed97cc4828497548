// The linear attention of one state head: its queries, keys and values, a piece at a time.

internal import HHKernels

/// The rows and columns that one state head works on.
struct HeadView {
  let stateHead: Int
  /// The first of the group's query heads.
  let firstHead: Int
  let keyValueHead: Int
  /// Queries of the group, [length, group · head size].
  let q: Matrix
  /// Valid keys and values after the sinks, [keys, head size].
  let k: Matrix
  let v: Matrix
  /// Keys and values of the sinks, [sinks, head size].
  let sinkK: Matrix
  let sinkV: Matrix

  /// The head's part of one sequence: some rows of queries, some of keys and values, and those of
  /// the sinks, which may lie elsewhere.
  init(
    _ design: LinearAttentionShape, stateHead: Int, q: Matrix, _ queries: Range<Int>, k: Matrix,
    v: Matrix, _ keys: Range<Int>, sinkK: Matrix, sinkV: Matrix, _ sinks: Range<Int>
  ) {
    let (d, group) = (design.headSize, design.group)
    self.stateHead = stateHead
    firstHead = stateHead * group
    keyValueHead = stateHead * design.keyValueHeads / design.stateHeads
    let columns = keyValueHead * d..<(keyValueHead + 1) * d
    self.q = q.part(rows: queries, columns: firstHead * d..<(firstHead + group) * d)
    self.k = k.part(rows: keys, columns: columns)
    self.v = v.part(rows: keys, columns: columns)
    self.sinkK = sinkK.part(rows: sinks, columns: columns)
    self.sinkV = sinkV.part(rows: sinks, columns: columns)
  }

  /// The head's part of sequence `row`.
  init(
    _ shape: AttentionShape, _ design: LinearAttentionShape, row: Int, stateHead: Int, q: Matrix,
    k: Matrix, v: Matrix
  ) {
    let start = row * shape.length
    let end = start + shape.keyLength(row)
    let first = min(end, start + design.sinks)
    self.init(
      design, stateHead: stateHead, q: q, start..<start + shape.length, k: k, v: v, first..<end,
      sinkK: k, sinkV: v, start..<first)
  }

  /// Sinks and keys.
  var allKeys: Int { sinkK.rows + k.rows }

  /// Some of the queries of the group's head `g`, [rows, head size].
  func query(_ g: Int, _ rows: Range<Int>) -> Matrix {
    q.part(rows: rows, columns: g * k.columns..<(g + 1) * k.columns)
  }
}

/// What the heads of a call have in common.
final class HeadCall: Sendable {
  let maps: FeatureMaps
  let design: LinearAttentionShape
  let function: any FeatureFunction
  let features: Int
  let storesLogScales: Bool
  let causal: Bool
  /// The factor of the window's weights for each query head.
  let windowFactors: FloatBuffer
  /// Positions whose features are in memory at a time: a multiple of the kernel's blocks of 64.
  let piece: Int
  /// The kernel's item without queries and keys.
  private let item: LinearAttentionItem

  init(maps: FeatureMaps, causal: Bool, scale: Float) {
    self.maps = maps
    self.causal = causal
    design = maps.design
    function = design.function
    features = design.features
    storesLogScales = function.storesLogScales
    windowFactors = FloatBuffer(maps.windowFactors)
    piece = max(64, 256 / design.group / 64 * 64)
    let d = design.headSize
    var item = LinearAttentionItem(
      length: 0, keys: 0, headSize: d, features: features, window: design.window,
      causal: causal, queryStride: d, keyStride: d, valueStride: d, outStride: d,
      scoreScale: scale, epsilon: design.epsilon)
    item.sinks = design.sinks
    self.item = item
  }

  /// The item of a number of queries and keys, in dense matrices.
  func item(_ length: Int, _ keys: Int) -> LinearAttentionItem {
    var item = item
    item.length = length
    item.keys = keys
    return item
  }

  /// The item of one of a part's query heads, whose first query is the sequence's.
  func item(_ part: HeadView) -> LinearAttentionItem {
    var item = item(part.q.rows, part.k.rows)
    item.sinks = part.sinkK.rows
    item.past = -item.sinks
    item.queryStride = part.q.stride
    item.keyStride = part.k.stride
    item.valueStride = part.v.stride
    return item
  }

  /// The outputs of a part's queries.
  ///
  /// - Parameters:
  ///   - part: Queries, keys and values. With a causal mask the first query's own key has number
  ///     `past`, or is a sink where that is negative.
  ///   - past: Keys before that, all in the window of the query before the first.
  ///   - position: The first key's position in its sequence.
  ///   - state: Sums over the keys before the part's; becomes that of the keys that have left the
  ///     window of the query after the last.
  ///   - space: Memory for the features of `piece` positions.
  ///   - out: Outputs, as the part's queries.
  func attend(
    _ part: HeadView, past: Int = 0, position: Int = 0, state: Matrix, _ space: HeadScratch,
    into out: Matrix
  ) {
    let (length, keys) = (part.q.rows, part.k.rows)
    func pieces(_ count: Int, _ body: (Range<Int>) -> Void) {
      for start in stride(from: 0, to: count, by: piece) {
        body(start..<min(count, start + piece))
      }
    }
    guard causal else {
      pieces(keys) {
        attend(
          part, queries: 0..<0, keys: $0, past: 0, position: position, state: state, space,
          into: out)
      }
      pieces(length) {
        attend(
          part, queries: $0, keys: 0..<0, past: 0, position: position, state: state, space,
          into: out)
      }
      return
    }
    let kept = max(1, design.window)
    pieces(length) { queries in
      let first = min(keys, max(0, past + queries.lowerBound + 1 - kept))
      let end = max(first, min(keys, past + queries.upperBound))
      attend(
        part, queries: queries, keys: first..<end, past: past + queries.lowerBound - first,
        position: position + first, state: state, space, into: out)
    }
  }

  /// One piece: some queries, and the keys that are not in the state yet. The state moves on where
  /// there are keys.
  private func attend(
    _ part: HeadView, queries: Range<Int>, keys: Range<Int>, past: Int, position: Int,
    state: Matrix, _ space: HeadScratch, into out: Matrix
  ) {
    let (q, k, v) = (part.q.rows(queries), part.k.rows(keys), part.v.rows(keys))
    var item = item(part)
    item.length = queries.count
    item.keys = keys.count
    item.past = past
    item.group = design.group
    item.outStride = out.stride
    let linear = item.linearKeys
    let scales = space.map(
      linear == k.rows ? k : k.rows(0..<linear), maps.keyRows[design.keyMap(part.stateHead)], self,
      position: position, to: .keys)
    for g in 0..<(queries.isEmpty ? 0 : design.group) {
      _ = space.map(
        part.query(g, queries), maps.queryRows[design.queryMap(part.firstHead + g)], self,
        position: position + past, to: .queries, from: g * queries.count)
    }
    space.attend(
      item, query: q, key: k, value: v, sinkKey: part.sinkK, sinkValue: part.sinkV,
      scales: scales, windowFactors: windowFactors, from: part.firstHead, state: state,
      movesOn: !keys.isEmpty, into: out.rows(queries))
  }
}
