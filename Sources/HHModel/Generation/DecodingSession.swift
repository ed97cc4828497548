// A decoder at work: positions one after another, each seen once.

package import HHCompute
package import HHData
package import HHFormat

/// Sequences side by side and what each layer remembers of them: a layer of linear
/// attention its sums and window, whose size does not grow, a softmax layer every key and value.
package struct DecodingSession {
  private enum Memory {
    case sums(LinearAttentionState)
    /// [rows × capacity, key/value width] each.
    case cache(keys: Matrix, values: Matrix)
  }

  let runner: ModelRunner
  /// Number of sequences.
  let rowCount: Int
  /// Positions that fit; only softmax layers have a limit of their own.
  private(set) var capacity: Int
  /// Positions seen so far.
  private(set) var position = 0
  private var memories: [Memory] = []

  /// Prepares for `rowCount` sequences of at most `capacity` positions.
  package init(runner: ModelRunner, rowCount: Int, capacity: Int) {
    self.runner = runner
    self.rowCount = rowCount
    self.capacity = capacity
    for (layer, attention) in runner.graph.attentions.enumerated() {
      if case .linear = attention.mechanism, let maps = runner.maps[layer] {
        memories.append(.sums(LinearAttentionState(batch: rowCount, maps: maps)))
        continue
      }
      let width = attention.keyValueHeadCount * attention.headSize
      memories.append(
        .cache(
          keys: Matrix(rows: rowCount * capacity, columns: width),
          values: Matrix(rows: rowCount * capacity, columns: width)))
    }
  }

  /// Bytes that every layer together remembers of `position` positions.
  package func byteCount(position: Int) -> Int {
    memories.reduce(0) { sum, memory in
      switch memory {
      case .sums(let state): sum + 4 * state.count
      case .cache(let keys, _): sum + 8 * rowCount * position * keys.columns
      }
    }
  }

  /// Bytes of the caches that one sequence of `length` positions needs.
  static func cacheBytes(of graph: Graph, length: Int) -> Int {
    graph.attentions.reduce(0) { sum, attention in
      guard case .softmax = attention.mechanism else { return sum }
      return sum + 8 * length * attention.keyValueHeadCount * attention.headSize
    }
  }

  /// Bytes that sequences side by side may remember together.
  static let memoryLimit = 256 << 20

  /// Bytes that one sequence of at most `capacity` positions remembers.
  static func rowBytes(of runner: ModelRunner, capacity: Int) -> Int {
    // At the first position only sums and windows have a size.
    let sums = DecodingSession(runner: runner, rowCount: 1, capacity: 1).byteCount(position: 0)
    return sums + cacheBytes(of: runner.graph, length: capacity)
  }

  /// How many of `rowCount` sequences of `rowBytes` each go side by side within `limit` bytes.
  static func groupSize(rowCount: Int, rowBytes: Int, limit: Int = memoryLimit) -> Int {
    max(1, min(rowCount, limit / max(1, rowBytes)))
  }

  /// Goes on as if `position` tokens had been read, with made-up memories of them: for timings.
  package mutating func skip(to position: Int) {
    precondition(position <= capacity, "more positions than the session holds")
    self.position = position
    for case .cache(let keys, let values) in memories {
      for matrix in [keys, values] {
        // Not zeros: pages that nobody wrote are quicker to read than real ones.
        var span = matrix.buffer.mutableSpan
        span.update(repeating: 0.01)
      }
    }
  }

  /// Makes room for `positions` in all, and for more at once where it needs any: what was seen is
  /// copied then.
  mutating func reserve(_ positions: Int) {
    guard positions > capacity else { return }
    let larger = max(positions, 2 * capacity)
    for (layer, memory) in memories.enumerated() {
      guard case .cache(let keys, let values) = memory else { continue }
      memories[layer] = .cache(
        keys: enlarged(keys, to: larger), values: enlarged(values, to: larger))
    }
    capacity = larger
  }

  /// The cache of one kind with room for `larger` positions of every sequence.
  private func enlarged(_ cache: Matrix, to larger: Int) -> Matrix {
    let result = Matrix(rows: rowCount * larger, columns: cache.columns)
    for row in 0..<rowCount {
      copy(
        cache.rows(row * capacity..<row * capacity + position),
        to: result.rows(row * larger..<row * larger + position))
    }
    return result
  }

  /// Reads more tokens of every sequence, as many of each, and returns the logits that follow the
  /// last, [rows, vocabulary].
  package mutating func advance(_ tokens: TokenBatch) throws(FormatError) -> Matrix {
    precondition(tokens.rowCount == rowCount, "tokens of every sequence")
    precondition(position + tokens.length <= capacity, "more positions than the session holds")
    let hidden = Matrix(rows: rowCount * tokens.length, columns: runner.graph.hiddenSize)
    var state = try runner.embed(.tokens(tokens), into: hidden, position: position)
    for node in runner.graph.nodes where node.layer != nil {
      guard case .attention(let attention) = node.operation, let layer = node.layer else {
        try runner.run([node], &state)
        continue
      }
      let projected = try runner.project(attention, state, position: position)
      let mixed = Matrix(
        rows: rowCount * tokens.length, columns: attention.headCount * attention.headSize)
      mix(attention, projected, length: tokens.length, layer: layer, into: mixed)
      state.hidden = try runner.output(of: attention, mixed)
    }
    position += tokens.length
    // Logits of earlier positions would be the most expensive part, and nobody asks for them.
    state = Activations(
      hidden: lastRows(of: state.hidden, length: tokens.length), rowCount: rowCount)
    try runner.run(runner.graph.outputNodes, &state)
    guard let logits = try runner.outputs(from: state).logits else {
      preconditionFailure("whoever decodes has made sure of a language-model head")
    }
    return logits
  }

  private func mix(
    _ attention: Attention, _ projected: QueryKeyValue, length: Int, layer: Int, into mixed: Matrix
  ) {
    let shape = attention.shape(rowCount: rowCount, length: length, validLengths: nil)
    switch memories[layer] {
    case .sums(let sums):
      LinearAttention.forward(
        q: projected.query, k: projected.key, v: projected.value, shape: shape,
        scale: attention.scale, state: sums, into: mixed)
    case .cache(let keys, let values):
      for row in 0..<rowCount {
        let source = row * length..<(row + 1) * length
        let target = row * capacity + position..<row * capacity + position + length
        copy(projected.key.rows(source), to: keys.rows(target))
        copy(projected.value.rows(source), to: values.rows(target))
      }
      guard length > 1, position == 0 else {
        return attend(attention, projected.query, keys, values, length: length, into: mixed)
      }
      SoftmaxAttention.forward(
        q: projected.query, k: projected.key, v: projected.value, shape: shape,
        scale: attention.scale, into: mixed)
    }
  }

  /// Softmax attention of new positions against the cache, one position after the other.
  private func attend(
    _ attention: Attention, _ query: Matrix, _ keys: Matrix, _ values: Matrix, length: Int,
    into mixed: Matrix
  ) {
    let shape = attention.shape(rowCount: rowCount, length: capacity, validLengths: nil)
    for step in 0..<length {
      SoftmaxAttention.decode(
        q: every(length, of: query, from: step), keys: keys, values: values,
        count: position + step + 1, shape: shape, scale: attention.scale,
        into: every(length, of: mixed, from: step))
    }
  }

  /// Rows `first`, `first + step`, … of a matrix, as a view.
  private func every(_ step: Int, of matrix: Matrix, from first: Int) -> Matrix {
    Matrix(
      matrix.buffer, offset: matrix.offset + first * matrix.stride, rows: matrix.rows / step,
      columns: matrix.columns, stride: step * matrix.stride)
  }

  private func lastRows(of hidden: Matrix, length: Int) -> Matrix {
    let last = Matrix(rows: rowCount, columns: hidden.columns)
    copy(every(length, of: hidden, from: length - 1), to: last)
    return last
  }
}
