// Linear attention beside a window of keys that keep softmax weights, and sinks before it.
//
// The state holds the last `window` keys and values in slots: a new key enters behind them, and the
// key that stands `window` slots before it leaves the window and enters the sums. So the sums of the
// keys beyond the window are linear attention over the keys `window` slots earlier. Tokens of a row
// fill the slots without gaps: padding comes before a row's first token.

internal import HHCompute
internal import HHFormat
internal import HHModel

extension ONNXModelBuilder {
  /// Near keys and sinks weigh γ e^(s − max s), where s are the softmax's scores, and the keys beyond
  /// the window the products of their features (arXiv 2410.10254, equation 7).
  ///
  /// The softmax p of the scores has those exponentials divided by their sum, so its largest element is
  /// 1 by that sum: numerator and denominator are multiplied by it.
  func windowAttention(
    _ attention: Attention, _ map: LinearAttentionLayer, _ heads: ONNXHeads, _ seen: ONNXHeads,
    layer: Int
  ) -> ONNXValue {
    guard let past = batch.past, let mask = batch.mask else {
      preconditionFailure("a window goes with a causal mask")
    }
    let shape = shape(attention, map)
    let window = ONNXWindow(size: map.window, sinks: map.sinks, past: past, mask: mask)
    let keys = slots("key", heads.key, window, shape, layer: layer)
    let values = slots("value", heads.value, window, shape, layer: layer)

    let weights = builder.softmax(
      builder.add(scores(attention, heads.query, keys.all), hidden(window)))
    let largest = builder.reshape(builder.maximum(weights), [0, shape.queryHeads, -1, 1])
    let factor = factor(map, shape)
    let near = builder.multiply(weighted(attention, weights, values.all), factor)

    let far = causalSums(
      features(map, .query, of: seen.query, shape, positions: past.positions).features,
      leavingFeatures(attention, map, keys.leaving, window, shape),
      withOnes(repeated(values.leaving, shape), shape), nil, shape, layer: layer)
    let parts = builder.split(far, [shape.headSize, 1])
    let total = builder.add(parts[1], builder.float(shape.epsilon))
    return builder.divide(
      builder.add(near, builder.multiply(largest, parts[0])),
      builder.add(factor, builder.multiply(largest, total)))
  }

  /// The sinks, the window of earlier calls and the new rows, one behind the other; and of the last
  /// two, the rows that leave the window as the new ones come.
  private func slots(
    _ name: String, _ new: ONNXValue, _ window: ONNXWindow, _ shape: LinearAttentionShape,
    layer: Int
  ) -> (all: ONNXValue, leaving: ONNXValue) {
    let (heads, columns) = (shape.keyValueHeads, shape.headSize)
    func part(_ name: String, rows: Int) -> (past: ONNXValue, extents: [ONNXExtent]) {
      (
        stateOrZeros(name, heads: heads, rows: rows, columns: columns, layer: layer),
        [.batch, .fixed(heads), .fixed(rows), .fixed(columns)]
      )
    }
    let recent = part("window_\(name)", rows: window.size)
    var parts = [recent.past, new]
    if window.sinks > 0 {
      let sinks = part("sink_\(name)", rows: window.sinks)
      let all = builder.add(sinks.past, builder.matMul(entering(window), new))
      remember(all, "sink_\(name)", sinks.extents, layer: layer)
      parts.insert(all, at: 0)
    }
    let all = builder.concatenate(parts, axis: 2)
    remember(
      builder.slice(all, from: builder.integers([-window.size]), axis: 2), "window_\(name)",
      recent.extents, layer: layer)
    let first = builder.integers([window.sinks])
    let end = builder.shared("leaving end \(window.sinks)") { builder.add(batch.length, first) }
    return (all, builder.slice(all, from: first, to: end, axis: 2))
  }

  /// The positions of the new tokens, -1 for padding, [batch, length].
  private func tokenPositions(_ window: ONNXWindow) -> ONNXValue {
    builder.shared("token positions") {
      builder.choose(window.mask, window.past.positions, builder.integer(-1))
    }
  }

  /// 1 where a new token is a sink, [batch, 1, sinks, length].
  private func entering(_ window: ONNXWindow) -> ONNXValue {
    builder.shared("entering sinks \(window.sinks)") {
      let slots = builder.unsqueeze(builder.integers(Array(0..<window.sinks)), [1])
      let positions = builder.unsqueeze(tokenPositions(window), [1, 2])
      return builder.cast(builder.node("Equal", positions, slots), to: .float)
    }
  }

  /// What hides the sinks, slots and new keys that a query does not see with softmax weights,
  /// [batch, 1, 1, length, keys].
  private func hidden(_ window: ONNXWindow) -> ONNXValue {
    builder.shared("hidden window \(window.size) \(window.sinks)") {
      let slots = builder.add(
        window.past.tokenCount, builder.integers(Array(-window.size..<0)))
      let positions = builder.concatenate([slots, tokenPositions(window)], axis: 1)
      let isNear = builder.node(
        "GreaterOrEqual", positions, builder.integer(window.sinks))
      let size = builder.integer(window.size)
      let rows = builder.unsqueeze(builder.range(builder.integers([0]), batch.length), [1])
      let places = builder.range(
        builder.integers([0]), builder.add(batch.length, builder.integers([window.size])))
      let steps = builder.subtract(places, rows)
      let band = builder.and(
        builder.node("Greater", steps, builder.integer(0)),
        builder.node("LessOrEqual", steps, size))
      let near = builder.and(builder.unsqueeze(isNear, [1, 2, 3]), band)
      guard window.sinks > 0 else { return hiding(near) }
      let sinks = builder.node(
        "GreaterOrEqual", builder.unsqueeze(window.past.positions, [1, 2, 4]),
        builder.integers(Array(0..<window.sinks)))
      return hiding(builder.concatenate([sinks, near], axis: -1))
    }
  }

  /// γ of every head, [heads, 1, 1].
  private func factor(_ map: LinearAttentionLayer, _ shape: LinearAttentionShape) -> ONNXValue {
    let parameter = builder.weight(map.role(of: "window"), shape: [shape.queryHeads, 1, 1])
    return switch map.windowFactor {
    case .sigmoid: builder.node("Sigmoid", parameter)
    case .exponential: builder.exp(parameter)
    }
  }

  /// The features of the keys that leave the window, 0 for empty slots, padding and sinks.
  private func leavingFeatures(
    _ attention: Attention, _ map: LinearAttentionLayer, _ keys: ONNXValue, _ window: ONNXWindow,
    _ shape: LinearAttentionShape
  ) -> ONNXValue {
    let positions = builder.shared("leaving positions \(window.size)") {
      builder.subtract(window.past.positions, builder.integer(window.size))
    }
    var plain = keys
    if let rotary = map.dropped {
      let table = rotaryTable(rotary, "leaving \(window.size)", positions, inverse: true)
      plain = rotate(keys, table, backwards: true)
    }
    let isToken = builder.shared("leaving tokens \(window.size) \(window.sinks)") {
      column(builder.node("GreaterOrEqual", positions, builder.integer(window.sinks)))
    }
    let features = features(
      map, .key, of: repeated(plain, shape), shape, positions: positions)
    return builder.multiply(features.features, isToken)
  }
}

/// The window of a layer, and the batch that it slides over.
struct ONNXWindow {
  /// Nearest keys that keep softmax weights.
  let size: Int
  /// First keys of a row that keep theirs.
  let sinks: Int
  let past: ONNXBatch.Past
  /// Which new positions are tokens.
  let mask: ONNXValue
}
