// Linear attention without a window: features, and the sums over them.

internal import HHCompute
internal import HHFormat
internal import HHModel

/// Features of queries or keys, [batch, heads, length, features].
struct ONNXFeatures {
  /// The features, divided by e^scale.
  var features: ONNXValue
  /// The logarithm of each row's scale, [batch, heads, length]; nil for maps that need none.
  var scales: ONNXValue?
}

extension ONNXModelBuilder {
  /// Which side of attention a map is for; what the names of its parameters begin with.
  enum Side: String {
    case query, key
  }

  /// The extents of a layer's linear attention.
  func shape(_ attention: Attention, _ map: LinearAttentionLayer) -> LinearAttentionShape {
    map.shape(
      queryHeads: attention.headCount, keyValueHeads: attention.keyValueHeadCount,
      headSize: attention.headSize)
  }

  /// Applies a layer's map to queries or keys whose positions [batch, length] are given; nil stands
  /// for 0, 1, 2 and so on.
  func features(
    _ map: LinearAttentionLayer, _ side: Side, of x: ONNXValue, _ shape: LinearAttentionShape,
    positions: ONNXValue?
  ) -> ONNXFeatures {
    guard let function = ONNXFeatureMap.function(of: map.kind) else {
      preconditionFailure("a kind that the export refuses")
    }
    let heads = side == .query ? shape.queryHeads : shape.stateHeads
    let maps = map.sharing == .allHeads ? 1 : heads
    var u = x
    if map.kind.hasDimension {
      u = builder.matMul(u, builder.weight(map.role(of: "\(side.rawValue).weight")))
    }
    if map.hasBias {
      let bias = builder.weight(
        map.role(of: "\(side.rawValue).bias"), shape: [maps, 1, map.featureSize])
      u = builder.add(u, bias)
    }
    let features = function(
      ONNXFeatureMap(
        builder: builder, x: x, u: u, size: shape.headSize, constant: map.constant ?? 1
      ) {
        guard let positions else {
          let range = builder.range(builder.integers([0]), batch.length)
          return builder.unsqueeze(builder.cast(range, to: .double), [0, 1, 3])
        }
        return builder.unsqueeze(builder.cast(positions, to: .double), [1, 3])
      })
    guard map.kind.storesLogScales else { return ONNXFeatures(features: features) }
    let scales = builder.maximum(features)
    return ONNXFeatures(
      features: builder.exp(builder.subtract(features, scales)),
      scales: side == .query ? nil : builder.reshape(scales, [0, 0, -1]))
  }

  /// Keys or values with a copy of every head for each query head, where those have states of their own.
  func repeated(_ x: ONNXValue, _ shape: LinearAttentionShape) -> ONNXValue {
    let count = shape.stateHeads / shape.keyValueHeads
    guard count > 1 else { return x }
    let copies = builder.concatenate(
      Array(repeating: builder.unsqueeze(x, [2]), count: count), axis: 2)
    return builder.reshape(copies, [0, shape.stateHeads, -1, shape.headSize])
  }

  /// Values with a column of ones, whose sum is the denominator's.
  func withOnes(_ values: ONNXValue, _ shape: LinearAttentionShape) -> ONNXValue {
    let ones = builder.shared("ones \(shape.stateHeads)") {
      builder.filled(
        1,
        shape: builder.concatenate(
          [
            batch.rowCount, builder.integers([shape.stateHeads]), batch.length,
            builder.integers([1]),
          ], axis: 0))
    }
    return builder.concatenate([values, ones], axis: -1)
  }

  /// Truth values [batch, length] as numbers [batch, 1, length, 1].
  func column(_ mask: ONNXValue) -> ONNXValue {
    builder.unsqueeze(builder.cast(mask, to: .float), [1, 3])
  }

  /// The mask of the new positions as such numbers; nil for images.
  private var maskColumn: ONNXValue? {
    batch.mask.map { mask in builder.shared("mask column") { column(mask) } }
  }

  /// Numerators by denominators: both are in the columns of `sums`, [batch, heads, length, d + 1].
  private func quotient(_ sums: ONNXValue, _ shape: LinearAttentionShape) -> ONNXValue {
    let parts = builder.split(sums, [shape.headSize, 1])
    return builder.divide(parts[0], builder.add(parts[1], builder.float(shape.epsilon)))
  }

  /// Scales [batch, heads, length] with those of padding far below all others.
  private func masked(_ scales: ONNXValue) -> ONNXValue {
    guard let mask = batch.mask else { return scales }
    return builder.choose(
      builder.unsqueeze(mask, [1]), scales, builder.float(Self.nothing))
  }

  /// An encoder's linear attention: every query sees the same sums.
  func linearAttention(_ attention: Attention, _ map: LinearAttentionLayer, _ heads: ONNXHeads)
    -> ONNXValue
  {
    let shape = shape(attention, map)
    let queries = features(map, .query, of: heads.query, shape, positions: nil).features
    var keys = features(map, .key, of: repeated(heads.key, shape), shape, positions: nil)
    if let mask = maskColumn { keys.features = builder.multiply(keys.features, mask) }
    if let scales = keys.scales.map(masked) {
      let factors = builder.exp(builder.subtract(scales, builder.maximum(scales)))
      keys.features = builder.multiply(keys.features, builder.unsqueeze(factors, [3]))
    }
    let sums = builder.matMul(
      builder.transpose(keys.features, [0, 1, 3, 2]),
      withOnes(repeated(heads.value, shape), shape))
    let grouped = builder.reshape(queries, [0, shape.stateHeads, -1, shape.features])
    let products = builder.reshape(
      builder.matMul(grouped, sums), [0, shape.queryHeads, -1, shape.headSize + 1])
    return quotient(products, shape)
  }

  /// A decoder's linear attention without a window.
  func causalLinearAttention(
    _ attention: Attention, _ map: LinearAttentionLayer, _ heads: ONNXHeads, layer: Int
  ) -> ONNXValue {
    let shape = shape(attention, map)
    let positions = batch.past?.positions
    let queries = features(map, .query, of: heads.query, shape, positions: positions).features
    var keys = features(map, .key, of: repeated(heads.key, shape), shape, positions: positions)
    if let mask = maskColumn { keys.features = builder.multiply(keys.features, mask) }
    var peaks: ONNXPeaks?
    if let scales = keys.scales.map(masked) {
      let peak = self.peaks(of: scales, shape, layer: layer)
      peaks = peak
      let factors = builder.exp(builder.subtract(scales, peak.running))
      keys.features = builder.multiply(keys.features, builder.unsqueeze(factors, [3]))
    }
    let sums = causalSums(
      queries, keys.features, withOnes(repeated(heads.value, shape), shape), peaks, shape,
      layer: layer)
    return quotient(sums, shape)
  }

  /// The largest scale so far of every position and head.
  private func peaks(of scales: ONNXValue, _ shape: LinearAttentionShape, layer: Int) -> ONNXPeaks {
    let nothing = builder.float(Self.nothing)
    let extents: [ONNXExtent] = [.batch, .fixed(shape.stateHeads), .fixed(1)]
    var past: ONNXValue?
    if let state = state("scale", extents, layer: layer), let tokens = batch.past?.tokenCount {
      // Before the first token the state is zero, which is a scale like any other.
      let isBegun = builder.node("Greater", builder.unsqueeze(tokens, [2]), builder.integer(0))
      past = builder.choose(isBegun, state, nothing)
    }
    let rows = builder.choose(isEarlier, builder.unsqueeze(scales, [2]), nothing)
    let new = builder.maximum(rows, keeps: false)
    let running = past.map { builder.node("Max", new, $0) } ?? new
    let first =
      past
      ?? builder.filled(
        Self.nothing,
        shape: builder.concatenate(
          [batch.rowCount, builder.integers([shape.stateHeads, 1])], axis: 0))
    remember(
      builder.slice(running, from: builder.integers([-1]), axis: 2), "scale", extents,
      layer: layer)
    return ONNXPeaks(past: first, running: running)
  }

  /// Which keys are no later than the query, [length, length] truth values.
  var isEarlier: ONNXValue {
    builder.shared("earlier keys") {
      let places = builder.range(builder.integers([0]), batch.length)
      return builder.node("LessOrEqual", places, builder.unsqueeze(places, [1]))
    }
  }
}

/// The largest scales of keys, which their sums are divided by.
struct ONNXPeaks {
  /// Before the new keys, [batch, heads, 1].
  let past: ONNXValue
  /// Up to each new key, [batch, heads, length].
  let running: ONNXValue
}
