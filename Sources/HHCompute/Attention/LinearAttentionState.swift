// What linear attention remembers of the positions it has seen: a fixed size, whatever their number.

internal import HHKernels

/// The sums over the keys that left the window, and the keys and values of the window itself and of
/// the sinks, of every sequence of one layer. Sums are float32: over thousands of positions any narrower type
/// drowns them.
package final class LinearAttentionState {
  /// Number of sequences.
  package let batch: Int
  /// Positions seen.
  package private(set) var position = 0
  private let maps: FeatureMaps
  /// Sums of each sequence and state head, one row each.
  private let sums: Matrix
  /// The last keys and values, [batch · capacity, key/value width]: they slide through the rows of
  /// their sequence and move to the front when those are full.
  private let keys: Matrix
  private let values: Matrix
  private let capacity: Int
  /// Keys and values of the sinks, [batch · sinks, key/value width].
  private let sinkKeys: Matrix
  private let sinkValues: Matrix
  private let scratch = ScratchSpace()
  /// What all calls have in common; nil with a window, whose scale each call tells.
  private let call: HeadCall?
  /// Where the window's keys lie in the rows of every sequence.
  private var recent = 0..<0

  /// Positions that are read at a time where there is a window.
  private static let piece = 64

  /// The state before the first position.
  package init(batch: Int, maps: FeatureMaps) {
    let design = maps.design
    self.batch = batch
    self.maps = maps
    call = design.window > 0 ? nil : HeadCall(maps: maps, causal: true, scale: 1)
    sums = Matrix(
      rows: batch * design.stateHeads, columns: design.sumCount)
    for row in 0..<sums.rows { design.empty(sums.rows(row..<row + 1)) }
    // So much that what moves to the front never overlaps the place it comes from.
    capacity = design.window > 0 ? 2 * design.window + Self.piece : 0
    let width = design.keyValueHeads * design.headSize
    keys = Matrix(rows: batch * capacity, columns: width)
    values = Matrix(rows: batch * capacity, columns: width)
    sinkKeys = Matrix(rows: batch * design.sinks, columns: width)
    sinkValues = Matrix(rows: batch * design.sinks, columns: width)
  }

  /// Number of floats.
  package var count: Int {
    sums.rows * maps.design.features * (maps.design.headSize + 1)
      + 2 * (keys.rows + sinkKeys.rows) * keys.columns
  }

  fileprivate func advance(
    q: Matrix, k: Matrix, v: Matrix, shape: AttentionShape, scale: Float, into out: Matrix
  ) {
    let call = self.call ?? HeadCall(maps: maps, causal: true, scale: scale)
    guard maps.design.window > 0 else {
      let new = Rows(perSequence: shape.length, range: 0..<shape.length)
      attend(call, q: q, new, k: k, v: v, new, past: 0, into: out)
      position += shape.length
      return
    }
    for start in stride(from: 0, to: shape.length, by: Self.piece) {
      let new = Rows(
        perSequence: shape.length, range: start..<min(shape.length, start + Self.piece))
      let first = start + rememberSinks(k, v, new)
      let known = remember(
        k, v, Rows(perSequence: shape.length, range: first..<new.range.upperBound))
      // Own keys that are sinks lie before the first of the known.
      let past = known.range.count - new.range.count
      attend(call, q: q, new, k: keys, v: values, known, past: past, into: out)
      position += new.range.count
      let kept = min(known.range.count, maps.design.window - 1)
      recent = known.range.upperBound - kept..<known.range.upperBound
    }
  }

  /// The same rows of every sequence.
  private struct Rows {
    let perSequence: Int
    let range: Range<Int>

    func of(_ row: Int) -> Range<Int> {
      row * perSequence + range.lowerBound..<row * perSequence + range.upperBound
    }
  }

  /// Copies the new keys and values that are sinks; returns their number.
  private func rememberSinks(_ k: Matrix, _ v: Matrix, _ new: Rows) -> Int {
    let sinks = maps.design.sinks
    let count = min(new.range.count, max(0, sinks - position))
    guard count > 0 else { return 0 }
    let start = new.range.lowerBound
    let source = Rows(perSequence: new.perSequence, range: start..<start + count)
    let target = Rows(perSequence: sinks, range: position..<position + count)
    for row in 0..<batch {
      copy(k.rows(source.of(row)), to: sinkKeys.rows(target.of(row)))
      copy(v.rows(source.of(row)), to: sinkValues.rows(target.of(row)))
    }
    return count
  }

  /// Puts new keys and values behind those of the window; returns where all of them lie.
  private func remember(_ k: Matrix, _ v: Matrix, _ new: Rows) -> Rows {
    let count = new.range.count
    if recent.upperBound + count > capacity {
      let (old, front) = (
        Rows(perSequence: capacity, range: recent),
        Rows(perSequence: capacity, range: 0..<recent.count)
      )
      for row in 0..<batch {
        for matrix in [keys, values] {
          copy(matrix.rows(old.of(row)), to: matrix.rows(front.of(row)))
        }
      }
      recent = front.range
    }
    let end = recent.upperBound
    let target = Rows(perSequence: capacity, range: end..<end + count)
    for row in 0..<batch {
      copy(k.rows(new.of(row)), to: keys.rows(target.of(row)))
      copy(v.rows(new.of(row)), to: values.rows(target.of(row)))
    }
    return Rows(perSequence: capacity, range: recent.lowerBound..<end + count)
  }

  /// The outputs of new positions, whose keys are the last of the known, but for sinks; `past` keys
  /// come before the first one's.
  private func attend(
    _ call: HeadCall, q: Matrix, _ new: Rows, k: Matrix, v: Matrix, _ known: Rows, past: Int,
    into out: Matrix
  ) {
    let (stateHeads, d, sums) = (call.design.stateHeads, call.design.headSize, self.sums)
    let (sinkKeys, sinkValues) = (sinkKeys, sinkValues)
    let rows = min(new.range.count, call.piece)
    let position = self.position - past
    let sinks = Rows(
      perSequence: call.design.sinks,
      range: 0..<min(call.design.sinks, self.position + new.range.count))
    let spaces = scratch.heads(
      rows: rows, group: call.design.group, maps,
      kernelCount: call.item(rows, max(0, past) + rows).scratch)
    parallelFor(count: batch * stateHeads, workers: spaces.count) { range, worker in
      for index in range {
        let (row, head) = index.quotientAndRemainder(dividingBy: stateHeads)
        let part = HeadView(
          call.design, stateHead: head, q: q, new.of(row), k: k, v: v, known.of(row),
          sinkK: sinkKeys, sinkV: sinkValues, sinks.of(row))
        let columns = part.firstHead * d..<part.firstHead * d + part.q.columns
        call.attend(
          part, past: past, position: position, state: sums.rows(index..<index + 1),
          spaces[worker], into: out.part(rows: new.of(row), columns: columns))
      }
    }
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
