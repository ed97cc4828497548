// Attention sublayers: projections, rotary positions, and softmax attention.

internal import HHModel

extension ONNXModelBuilder {
  /// Attention over hidden states, with its output projection.
  func attention(_ attention: Attention, _ x: ONNXValue, layer: Int) -> ONNXValue {
    let parts = projections(attention, x)
    var heads = ONNXHeads(query: parts[0], key: parts[1], value: parts[2])
    let plain = heads
    if let rotary = attention.rotary, let past = batch.past {
      let table = rotaryTable(rotary, "new", past.positions)
      heads.query = rotate(heads.query, table)
      heads.key = rotate(heads.key, table)
    }
    let mixed: ONNXValue
    switch attention.mechanism {
    case .softmax: mixed = softmaxAttention(attention, heads, layer: layer)
    case .linear(let map):
      let seen = map.dropped == nil ? heads : plain
      if map.window > 0 {
        mixed = windowAttention(attention, map, heads, seen, layer: layer)
      } else if attention.isCausal {
        mixed = causalLinearAttention(attention, map, seen, layer: layer)
      } else {
        mixed = linearAttention(attention, map, seen)
      }
    }
    let rows = builder.reshape(
      builder.transpose(mixed, [0, 2, 1, 3]), [-1, attention.headCount * attention.headSize])
    return linear(attention.output, rows)
  }

  /// Queries, keys and values, [batch, heads, length, head size].
  private func projections(_ attention: Attention, _ x: ONNXValue) -> [ONNXValue] {
    let counts = [
      attention.headCount, attention.keyValueHeadCount, attention.keyValueHeadCount,
    ]
    let parts: [ONNXValue]
    switch attention.projection {
    case .fused(let linear):
      parts = builder.split(self.linear(linear, x), counts.map { $0 * attention.headSize })
    case .separate(let query, let key, let value):
      parts = [query, key, value].map { linear($0, x) }
    }
    return zip(parts, counts).map { part, count in
      let shape = builder.shared("head shape \(count) \(attention.headSize)") {
        builder.concatenate(
          [batch.rowCount, batch.length, builder.integers([count, attention.headSize])], axis: 0)
      }
      return builder.transpose(builder.node("Reshape", part, shape), [0, 2, 1, 3])
    }
  }

  // MARK: Rotary positions

  /// Cosines and sines of positions [batch, length], each [batch, 1, length, head size / 2]; computed
  /// in double precision, as ours are. Layers that turn alike share the table of a name.
  func rotaryTable(_ rotary: Rotary, _ name: String, _ positions: ONNXValue, inverse: Bool = false)
    -> (cosine: ONNXValue, sine: ONNXValue)
  {
    let key = "rotary \(name) \(rotary.frequencies) \(rotary.scale)"
    let angles = builder.shared("\(key) angles") {
      builder.multiply(
        builder.unsqueeze(builder.cast(positions, to: .double), [1, 3]),
        builder.doubles(rotary.frequencies.map { Double(Float($0)) }))
    }
    func part(_ operation: String) -> ONNXValue {
      builder.shared("\(key) \(operation)") {
        builder.scale(
          builder.cast(builder.node(operation, angles), to: .float),
          by: inverse ? 1 / rotary.scale : rotary.scale)
      }
    }
    return (part("Cos"), part("Sin"))
  }

  /// Turns element i of the first half of every head with element i of the second half, or back.
  func rotate(
    _ x: ONNXValue, _ table: (cosine: ONNXValue, sine: ONNXValue), backwards: Bool = false
  ) -> ONNXValue {
    let halves = builder.nodes(
      "Split", [x], outputs: 2, attributes: [("axis", .integer(-1)), ("num_outputs", .integer(2))])
    let products = halves.map {
      (cosine: builder.multiply($0, table.cosine), sine: builder.multiply($0, table.sine))
    }
    let turned =
      backwards
      ? [
        builder.add(products[0].cosine, products[1].sine),
        builder.subtract(products[1].cosine, products[0].sine),
      ]
      : [
        builder.subtract(products[0].cosine, products[1].sine),
        builder.add(products[1].cosine, products[0].sine),
      ]
    return builder.concatenate(turned, axis: -1)
  }

  // MARK: Softmax

  /// Softmax attention; a decoder's keys and values of earlier calls come first.
  private func softmaxAttention(_ attention: Attention, _ heads: ONNXHeads, layer: Int)
    -> ONNXValue
  {
    var (keys, values) = (heads.key, heads.value)
    if batch.past != nil {
      let shape: [ONNXExtent] = [
        .batch, .fixed(attention.keyValueHeadCount), .named("past_sequence_length"),
        .fixed(attention.headSize),
      ]
      (keys, values) = extended(shape, keys, values, layer: layer)
    }
    let scores = scores(attention, heads.query, keys)
    let weights = builder.softmax(hiddenKeys.map { builder.add(scores, $0) } ?? scores)
    return weighted(attention, weights, values)
  }

  private func extended(
    _ shape: [ONNXExtent], _ keys: ONNXValue, _ values: ONNXValue, layer: Int
  ) -> (ONNXValue, ONNXValue) {
    var present = shape
    present[2] = .named("total_sequence_length")
    func all(_ name: String, _ new: ONNXValue) -> ONNXValue {
      guard let past = state(name, shape, layer: layer) else { return new }
      let all = builder.concatenate([past, new], axis: 2)
      remember(all, name, present, layer: layer)
      return all
    }
    return (all("key", keys), all("value", values))
  }

  /// What hides the keys that a query does not see, to be added to scores [batch, key heads, group,
  /// length, keys]; nil where every query sees all.
  private var hiddenKeys: ONNXValue? {
    guard let mask = batch.mask else { return nil }
    return builder.shared("hidden keys") {
      guard let past = batch.past else { return hiding(builder.unsqueeze(mask, [1, 2, 3])) }
      let keys = builder.range(builder.integers([0]), past.total)
      let queries = builder.unsqueeze(builder.range(past.length, past.total), [1])
      let earlier = builder.and(
        builder.unsqueeze(past.mask, [1, 2, 3]), builder.node("LessOrEqual", keys, queries))
      // Padding sees itself, so that no row is without weights.
      return hiding(builder.node("Or", earlier, builder.node("Equal", keys, queries)))
    }
  }

  /// Numbers that, added to scores, leave those of visible keys and make all others equal and far below
  /// them.
  func hiding(_ visible: ONNXValue) -> ONNXValue {
    builder.choose(visible, builder.float(0), builder.float(Self.nothing))
  }

  /// scale × q·k, [batch, key heads, group, length, keys].
  func scores(_ attention: Attention, _ queries: ONNXValue, _ keys: ONNXValue) -> ONNXValue {
    let grouped = builder.reshape(
      builder.scale(queries, by: attention.scale),
      [0, attention.keyValueHeadCount, -1, attention.headSize])
    let products = builder.matMul(grouped, builder.transpose(keys, [0, 1, 3, 2]))
    let group = attention.headCount / attention.keyValueHeadCount
    return builder.node(
      "Reshape", products,
      builder.concatenate(
        [builder.integers([0, 0, group, -1]), builder.extent(keys, axis: 2)], axis: 0))
  }

  /// The values weighed by [batch, key heads, group, length, keys]: [batch, heads, length, head size].
  func weighted(_ attention: Attention, _ weights: ONNXValue, _ values: ONNXValue) -> ONNXValue {
    let grouped = builder.node(
      "Reshape", weights,
      builder.concatenate(
        [builder.integers([0, 0, -1]), builder.extent(values, axis: 2)], axis: 0))
    return builder.reshape(
      builder.matMul(grouped, values), [0, attention.headCount, -1, attention.headSize])
  }
}

/// Queries, keys and values of one layer, [batch, heads, length, head size].
struct ONNXHeads {
  var query: ONNXValue
  var key: ONNXValue
  var value: ONNXValue
}
