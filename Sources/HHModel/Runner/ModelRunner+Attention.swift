// Attention nodes in two halves: projecting to q, k, v, and mixing the values.

package import HHCompute
package import HHFormat

/// Queries, keys and values of a batch, positions applied; one column block per head.
package struct QueryKeyValue {
  /// [rows × length, heads × head size].
  package let query: Matrix
  /// [rows × length, key/value heads × head size].
  package let key: Matrix
  /// [rows × length, key/value heads × head size].
  package let value: Matrix

  /// Takes every member as it is.
  package init(query: Matrix, key: Matrix, value: Matrix) {
    self.query = query
    self.key = key
    self.value = value
  }
}

extension Attention {
  /// The extents of a batch as the attention kernels take them.
  package func shape(rowCount: Int, length: Int, validLengths: [Int]?) -> AttentionShape {
    AttentionShape(
      batch: rowCount, length: length, queryHeads: headCount, keyValueHeads: keyValueHeadCount,
      headSize: headSize, causal: isCausal, keyLengths: validLengths)
  }
}

extension ModelRunner {
  /// Projects hidden states to q, k and v; sequences begin at `position`. The result lives in
  /// scratch memory until the next call.
  package func project(_ attention: Attention, _ state: Activations, position: Int = 0)
    throws(FormatError) -> QueryKeyValue
  {
    let x = state.hidden
    let queryWidth = attention.headCount * attention.headSize
    let keyWidth = attention.keyValueHeadCount * attention.headSize
    let result: QueryKeyValue
    switch attention.projection {
    case .fused(let linear):
      let all = workspace.matrix(.queryKeyValue, rows: x.rows, columns: linear.outputs)
      try apply(linear, to: x, into: all)
      result = QueryKeyValue(
        query: all.columns(0..<queryWidth),
        key: all.columns(queryWidth..<queryWidth + keyWidth),
        value: all.columns(queryWidth + keyWidth..<queryWidth + 2 * keyWidth))
    case .separate(let query, let key, let value):
      result = QueryKeyValue(
        query: workspace.matrix(.query, rows: x.rows, columns: queryWidth),
        key: workspace.matrix(.key, rows: x.rows, columns: keyWidth),
        value: workspace.matrix(.value, rows: x.rows, columns: keyWidth))
      try apply(query, to: x, into: result.query)
      try apply(key, to: x, into: result.key)
      try apply(value, to: x, into: result.value)
    }
    if let rotary = attention.rotary {
      let table = rotaryTable(rotary, positions: position + state.length)
      table.apply(to: result.query, length: state.length, offset: position)
      table.apply(to: result.key, length: state.length, offset: position)
    }
    return result
  }

  /// Cosines and sines of at least the first `positions`. All blocks of a model turn alike.
  package func rotaryTable(_ rotary: Rotary, positions: Int) -> RotaryTable {
    if let rotaryTable, rotaryTable.positions >= positions { return rotaryTable }
    // Twice what is asked for, so that decoding token by token does not build one per token.
    let table = RotaryTable(
      headSize: 2 * rotary.frequencies.count, positions: 2 * positions,
      inverseFrequencies: rotary.frequencies.map(Float.init))
    rotaryTable = table
    return table
  }

  /// Weighs the values by the block's mechanism and applies the output projection.
  package func mix(
    _ attention: Attention, _ projected: QueryKeyValue, _ state: Activations, layer: Int?
  ) throws(FormatError) -> Matrix {
    try output(of: attention, attend(attention, projected, state, layer: layer))
  }

  /// Weighs the values by the block's mechanism, [rows × length, heads × head size], in scratch
  /// memory until the next call.
  package func attend(
    _ attention: Attention, _ projected: QueryKeyValue, _ state: Activations, layer: Int?
  ) -> Matrix {
    let shape = attention.shape(
      rowCount: state.rowCount, length: state.length, validLengths: state.validLengths)
    let mixed = workspace.matrix(
      .mixed, rows: projected.query.rows, columns: attention.headCount * attention.headSize)
    switch attention.mechanism {
    case .softmax:
      SoftmaxAttention.forward(
        q: projected.query, k: projected.key, v: projected.value, shape: shape,
        scale: attention.scale, into: mixed)
    case .hedgehog:
      LinearAttention.forward(
        q: projected.query, k: projected.key, v: projected.value, shape: shape,
        scale: attention.scale, maps: featureMaps(ofLayer: layer), into: mixed)
    }
    return mixed
  }

  /// The maps of a rewritten block.
  package func featureMaps(ofLayer layer: Int?) -> FeatureMaps {
    guard let layer, let maps = maps[layer] else {
      preconditionFailure("a rewritten block runs only with its feature maps set")
    }
    return maps
  }

  /// The output projection of mixed values.
  func output(of attention: Attention, _ mixed: Matrix) throws(FormatError) -> Matrix {
    let output = workspace.matrix(
      .sublayer, rows: mixed.rows, columns: attention.output.outputs)
    try apply(attention.output, to: mixed, into: output)
    return output
  }
}
