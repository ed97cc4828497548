// What linear attention remembers of the positions it has seen: a fixed size, whatever their number.

internal import HHKernels

/// The sums over the keys that left the window, and the keys and values of the window itself, of
/// every sequence of one layer. Sums are float32: over thousands of positions any narrower type
/// drowns them.
package final class LinearAttentionState {
  /// Number of sequences.
  package let batch: Int
  /// Positions seen.
  package private(set) var position = 0
  private let maps: FeatureMaps
  /// What the fused kernels remember in place of all below.
  private let fused: HedgehogState?
  /// Sums of each sequence and state head, one row each.
  private let sums: Matrix
  /// The last keys and values, [batch · capacity, key/value width]: they slide through the rows of
  /// their sequence and move to the front when those are full.
  private let keys: Matrix
  private let values: Matrix
  private let capacity: Int
  /// Where the window's keys lie in the rows of every sequence.
  private var recent = 0..<0

  /// Positions that are read at a time where there is a window.
  private static let piece = 64

  /// The state before the first position.
  package init(batch: Int, maps: FeatureMaps) {
    let design = maps.design
    self.batch = batch
    self.maps = maps
    fused = maps.fused.map { HedgehogState(batch: batch, maps: $0) }
    sums = Matrix(
      rows: fused == nil ? batch * design.stateHeads : 0,
      columns: featureAttentionState(features: design.features, headSize: design.headSize))
    for row in 0..<sums.rows { sums[row, sums.columns - 1] = emptyStateScale }
    // So much that what moves to the front never overlaps the place it comes from.
    capacity = design.window > 0 ? 2 * design.window + Self.piece : 0
    let width = design.keyValueHeads * design.headSize
    keys = Matrix(rows: batch * capacity, columns: width)
    values = Matrix(rows: batch * capacity, columns: width)
  }

  /// Number of floats.
  package var count: Int {
    fused?.count ?? sums.rows * sums.columns + 2 * keys.rows * keys.columns
  }

  fileprivate func advance(
    q: Matrix, k: Matrix, v: Matrix, shape: AttentionShape, scale: Float, into out: Matrix
  ) {
    if let fused {
      HedgehogAttention.forward(
        q: q, k: k, v: v, shape: shape, maps: fused.maps, state: fused, into: out)
      position += shape.length
      return
    }
    let step = maps.design.window > 0 ? Self.piece : shape.length
    for start in stride(from: 0, to: shape.length, by: step) {
      let range = start..<min(shape.length, start + step)
      func part(_ matrix: Matrix) -> [Matrix] {
        (0..<batch).map { row in
          let first = row * shape.length
          return matrix.rows(first + range.lowerBound..<first + range.upperBound)
        }
      }
      let (ownKeys, ownValues) = remember(part(k), part(v), count: range.count)
      attend(
        q: part(q), k: ownKeys, v: ownValues, shape: shape, scale: scale, count: range.count,
        into: part(out))
      position += range.count
    }
  }

  /// Puts new keys and values behind those of the window; returns all of them for every sequence.
  private func remember(_ k: [Matrix], _ v: [Matrix], count: Int) -> ([Matrix], [Matrix]) {
    guard maps.design.window > 0 else { return (k, v) }
    if recent.upperBound + count > capacity {
      for (row, matrix) in (0..<batch).flatMap({ row in [(row, keys), (row, values)] }) {
        let rows = matrix.rows(row * capacity..<(row + 1) * capacity)
        copy(rows.rows(recent), to: rows.rows(0..<recent.count))
      }
      recent = 0..<recent.count
    }
    func append(_ new: [Matrix], to matrix: Matrix) -> [Matrix] {
      new.enumerated().map { row, new in
        let rows = matrix.rows(row * capacity..<(row + 1) * capacity)
        copy(new, to: rows.rows(recent.upperBound..<recent.upperBound + count))
        return rows.rows(recent.lowerBound..<recent.upperBound + count)
      }
    }
    return (append(k, to: keys), append(v, to: values))
  }

  /// The outputs of `count` new positions, whose keys are the last of `k`.
  private func attend(
    q: [Matrix], k: [Matrix], v: [Matrix], shape: AttentionShape, scale: Float, count: Int,
    into out: [Matrix]
  ) {
    let (design, d) = (maps.design, maps.design.headSize)
    let past = recent.count
    var item = FeatureAttentionItem(
      length: count, keys: past + count, headSize: d, features: design.features,
      window: design.window, causal: true, queryStride: q[0].stride, keyStride: k[0].stride,
      valueStride: v[0].stride, outStride: out[0].stride, scoreScale: scale, mixing: 0,
      epsilon: design.epsilon)
    item.past = past
    let (template, mixing, position) = (item, maps.mixing, self.position - past)
    let (maps, sums, linear) = (self.maps, self.sums, item.linearKeys)
    let spaces = HeadSpace.workers(rows: past + count, maps, kernelCount: item.scratch)
    parallelFor(count: batch * design.stateHeads, workers: spaces.count) { range, worker in
      let space = spaces[worker]
      for index in range {
        let (row, stateHead) = index.quotientAndRemainder(dividingBy: design.stateHeads)
        let keyHead = stateHead * design.keyValueHeads / design.stateHeads
        func head(_ matrix: Matrix, _ head: Int) -> Matrix {
          matrix.columns(head * d..<(head + 1) * d)
        }
        let (key, value) = (head(k[row], keyHead), head(v[row], keyHead))
        let scales = space.map(
          key.rows(0..<linear), maps.keyParameters(design.keyMap(stateHead)), maps,
          position: position, to: .keys)
        let state = sums.rows(index..<index + 1)
        for g in 0..<design.group {
          let queryHead = stateHead * design.group + g
          let (query, target) = (head(q[row], queryHead), head(out[row], queryHead))
          _ = space.map(
            query, maps.queryParameters(design.queryMap(queryHead)), maps,
            position: position + past, to: .queries)
          var item = template
          item.mixing = mixing[queryHead]
          // The group's heads read the same state; the last one moves it on.
          space.attend(
            item, query: query, key: key, value: value, scales: scales, state: state,
            movesOn: g == design.group - 1, into: target)
        }
      }
    }
    guard design.window > 0 else { return }
    let end = recent.upperBound + count
    recent = end - min(past + count, design.window - 1)..<end
  }
}

extension LinearAttention {
  /// Computes the outputs of positions that follow those in `state`, and adds them to it: any number
  /// of positions at a time gives what all at once would.
  ///
  /// - Parameters:
  ///   - q: Queries [batch · length, queryHeads · headSize].
  ///   - k: Keys [batch · length, keyValueHeads · headSize].
  ///   - v: Values, as `k`.
  ///   - shape: Sizes of the new positions; causal and without padding.
  ///   - scale: Factor of the window's scores.
  ///   - state: The past of every sequence; the new positions are added.
  ///   - out: Outputs, as `q`.
  /// - Complexity: O(length · (headSize · features + window)) per head, whatever the number of past
  ///   positions.
  package static func forward(
    q: Matrix, k: Matrix, v: Matrix, shape: AttentionShape, scale: Float,
    state: LinearAttentionState, into out: Matrix
  ) {
    shape.check(queries: q)
    shape.check(queries: out)
    shape.check(keys: k)
    shape.check(keys: v)
    precondition(
      shape.causal && shape.keyLengths == nil, "a state goes with a causal mask and no padding")
    precondition(state.batch == shape.batch, "the state is of other sequences")
    guard shape.batch > 0 else { return }
    state.advance(q: q, k: k, v: v, shape: shape, scale: scale, into: out)
  }
}
