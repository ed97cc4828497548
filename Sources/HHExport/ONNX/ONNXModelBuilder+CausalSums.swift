// The sums of causal linear attention: by an operator of its own, or in matrix products.

internal import HHCompute
internal import HHModel

extension ONNXModelBuilder {
  /// Σ_j≤i φ(q_i)·φ(k_j) v_j for every query, over the keys of earlier calls too, whose sums are the
  /// layer's state.
  ///
  /// Queries are [batch, query heads, length, features], keys [batch, state heads, length, features],
  /// divided by the exponential of `peaks` where features have scales, values and the result the same
  /// with columns in place of features.
  func causalSums(
    _ queries: ONNXValue, _ keys: ONNXValue, _ values: ONNXValue, _ peaks: ONNXPeaks?,
    _ shape: LinearAttentionShape, layer: Int
  ) -> ONNXValue {
    let columns = shape.headSize + 1
    let extents: [ONNXExtent] = [
      .batch, .fixed(shape.stateHeads), .fixed(shape.features), .fixed(columns),
    ]
    let past = state("state", extents, layer: layer)
    let (sums, present) =
      linearAttention == .plain
      ? products(queries, keys, values, peaks, shape, past)
      : operation(queries, keys, values, peaks, shape, past)
    remember(present, "state", extents, layer: layer)
    return sums
  }

  /// By the operator, which takes heads side by side, [batch, length, heads · size].
  private func operation(
    _ queries: ONNXValue, _ keys: ONNXValue, _ values: ONNXValue, _ peaks: ONNXPeaks?,
    _ shape: LinearAttentionShape, _ past: ONNXValue?
  ) -> (sums: ONNXValue, present: ONNXValue) {
    let columns = shape.headSize + 1
    func packed(_ x: ONNXValue, _ width: Int) -> ONNXValue {
      builder.reshape(builder.transpose(x, [0, 2, 1, 3]), [0, 0, width])
    }
    var inputs = [
      packed(queries, shape.queryHeads * shape.features),
      packed(keys, shape.stateHeads * shape.features), packed(values, shape.stateHeads * columns),
    ]
    if past != nil || peaks != nil { inputs.append(past ?? .absent) }
    if let peaks {
      // The state is divided by a larger scale from key to key.
      let earlier = builder.slice(
        builder.concatenate([peaks.past, peaks.running], axis: 2), from: builder.integers([0]),
        to: builder.integers([-1]), axis: 2)
      inputs.append(builder.transpose(builder.subtract(earlier, peaks.running), [0, 2, 1]))
    }
    let outputs = builder.nodes(
      "LinearAttention", domain: linearAttention == .microsoft ? "com.microsoft" : "", inputs,
      outputs: 2,
      attributes: [
        ("q_num_heads", .integer(shape.queryHeads)), ("kv_num_heads", .integer(shape.stateHeads)),
        ("update_rule", .text(peaks == nil ? "linear" : "gated")), ("scale", .float(1)),
      ])
    let sums = builder.transpose(
      builder.reshape(outputs[0], [0, 0, shape.queryHeads, columns]), [0, 2, 1, 3])
    return (sums, outputs[1])
  }

  /// In matrix products: the new keys are weighed pair by pair.
  private func products(
    _ queries: ONNXValue, _ keys: ONNXValue, _ values: ONNXValue, _ peaks: ONNXPeaks?,
    _ shape: LinearAttentionShape, _ past: ONNXValue?
  ) -> (sums: ONNXValue, present: ONNXValue) {
    let group = shape.queryHeads / shape.stateHeads
    let zero = builder.float(0)
    // [batch, state heads, group, length, …].
    let grouped = builder.reshape(queries, [0, shape.stateHeads, group, -1, shape.features])
    let (later, columns) = (builder.unsqueeze(keys, [2]), builder.unsqueeze(values, [2]))
    var weights = builder.matMul(grouped, builder.transpose(later, [0, 1, 2, 4, 3]))
    if let peaks {
      let differences = builder.subtract(
        builder.unsqueeze(peaks.running, [2, 3]), builder.unsqueeze(peaks.running, [2, 4]))
      weights = builder.multiply(
        weights, builder.exp(builder.node("Min", differences, zero)))
    }
    var sums = builder.matMul(builder.choose(isEarlier, weights, zero), columns)
    var last = keys
    if let peaks {
      let end = builder.slice(peaks.running, from: builder.integers([-1]), axis: 2)
      let factors = builder.exp(builder.subtract(peaks.running, end))
      last = builder.multiply(keys, builder.unsqueeze(factors, [3]))
    }
    var present = builder.matMul(builder.transpose(last, [0, 1, 3, 2]), values)
    if let past {
      var (seen, state) = (grouped, past)
      if let peaks {
        let end = builder.slice(peaks.running, from: builder.integers([-1]), axis: 2)
        let fading = builder.exp(builder.subtract(peaks.past, peaks.running))
        seen = builder.multiply(seen, builder.unsqueeze(fading, [2, 4]))
        let faded = builder.exp(builder.subtract(peaks.past, end))
        state = builder.multiply(state, builder.unsqueeze(faded, [3]))
      }
      sums = builder.add(sums, builder.matMul(seen, builder.unsqueeze(past, [2])))
      present = builder.add(present, state)
    }
    return (
      builder.reshape(sums, [0, shape.queryHeads, -1, shape.headSize + 1]), present
    )
  }
}
