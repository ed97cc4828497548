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
  /// The linear maps whose outputs these are, where they come from `project`.
  package var projections: [Applied] = []

  /// Takes every member as it is.
  package init(query: Matrix, key: Matrix, value: Matrix) {
    self.query = query
    self.key = key
    self.value = value
  }

  /// The queries, keys and values in the outputs of an attention's projections.
  package init(_ attention: Attention, in outputs: [Matrix]) {
    guard outputs.count == 1 else {
      self.init(query: outputs[0], key: outputs[1], value: outputs[2])
      return
    }
    let queries = attention.headCount * attention.headSize
    let keys = attention.keyValueHeadCount * attention.headSize
    self.init(
      query: outputs[0].columns(0..<queries), key: outputs[0].columns(queries..<queries + keys),
      value: outputs[0].columns(queries + keys..<queries + 2 * keys))
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
  /// Projects hidden states to q, k and v; sequences begin at `position`. Without a recorder, the
  /// result lives in scratch memory until the next call.
  package func project(
    _ attention: Attention, _ state: Activations, position: Int = 0,
    recorder: (any ForwardRecorder)? = nil
  ) throws(FormatError) -> QueryKeyValue {
    let linears = attention.projection.linears
    let names: [Workspace.Name] = linears.count == 1 ? [.queryKeyValue] : [.query, .key, .value]
    var projections: [Applied] = []
    for (linear, name) in zip(linears, names) {
      projections.append(try apply(linear, to: state.hidden, in: name, recorder))
    }
    var result = QueryKeyValue(attention, in: projections.map(\.y))
    result.projections = projections
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
      inverseFrequencies: rotary.frequencies.map(Float.init), scale: rotary.scale)
    rotaryTable = table
    return table
  }

  /// Weighs the values by the block's mechanism and applies the output projection.
  package func mix(
    _ attention: Attention, _ projected: QueryKeyValue, _ state: Activations, layer: Int?
  ) throws(FormatError) -> Matrix {
    try output(of: attention, attend(attention, projected, state, layer: layer))
  }

  func output(
    of attention: Attention, _ state: Activations, layer: Int?, _ recorder: (any ForwardRecorder)?
  ) throws(FormatError) -> Matrix {
    let projected = try project(attention, state, recorder: recorder)
    let mixed = attend(attention, projected, state, layer: layer, recorder: recorder)
    let output = try apply(attention.output, to: mixed, in: .sublayer, recorder)
    if let recorder, let layer {
      let record = AttentionRecord(
        x: state.hidden, projected: projected, mixed: mixed, output: output)
      recorder.append(.attention(attention, record, layer: layer))
    }
    return output.y
  }

  /// Weighs the values by the block's mechanism, [rows × length, heads × head size]; without
  /// a recorder, in scratch memory until the next call.
  package func attend(
    _ attention: Attention, _ projected: QueryKeyValue, _ state: Activations, layer: Int?,
    recorder: (any ForwardRecorder)? = nil
  ) -> Matrix {
    let shape = attention.shape(
      rowCount: state.rowCount, length: state.length, validLengths: state.validLengths)
    let mixed = matrix(
      .mixed, rows: projected.query.rows, columns: attention.headCount * attention.headSize,
      recorder)
    switch attention.mechanism {
    case .softmax:
      SoftmaxAttention.forward(
        q: projected.query, k: projected.key, v: projected.value, shape: shape,
        scale: attention.scale, into: mixed)
    case .linear:
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
    try apply(attention.output, to: mixed, in: .sublayer, nil).y
  }
}
