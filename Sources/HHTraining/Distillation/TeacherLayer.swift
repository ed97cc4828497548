// One block of the teacher: hidden states in, queries and keys out, hidden states advanced.

internal import HHCompute
internal import HHFormat
internal import HHModel

/// Queries and keys of a batch in one layer, positions applied, and values where they are asked for.
struct LayerQKV {
  /// [rows × length, heads × head size].
  let query: Matrix
  /// [rows × length, key/value heads × head size].
  let key: Matrix
  /// As `key`; nil where the teacher does not give values.
  let value: Matrix?
  let shape: AttentionShape

  /// Whether every query and key is a number.
  var isFinite: Bool { query.isFinite && key.isFinite }

  /// The same values in a place of their own, safe from the next projection.
  func copied(into space: SpillSpace = .memory) throws(FormatError) -> LayerQKV {
    func copy(_ source: Matrix) throws(FormatError) -> Matrix {
      let target = try space.matrix(rows: source.rows, columns: source.columns)
      HHCompute.copy(source, to: target)
      return target
    }
    return LayerQKV(
      query: try copy(query), key: try copy(key), value: try value.map(copy), shape: shape)
  }

  /// Takes the values out of memory until they are used again, where they are on disk.
  func evict() {
    HHCompute.evict(query)
    HHCompute.evict(key)
    if let value { HHCompute.evict(value) }
  }
}

/// A block of a softmax model, split at its attention.
struct TeacherLayer {
  let runner: ModelRunner
  let layer: Int
  let attention: Attention
  private let givesValues: Bool
  private let before: ArraySlice<Node>
  private let after: ArraySlice<Node>

  /// Splits a block; nil where it has no attention.
  init?(_ runner: ModelRunner, layer: Int, givesValues: Bool = false) {
    let nodes = runner.graph.nodes(ofLayer: layer)
    for (index, node) in nodes.enumerated() {
      guard case .attention(let attention) = node.operation else { continue }
      self.runner = runner
      self.layer = layer
      self.givesValues = givesValues
      self.attention = attention
      before = nodes[..<index]
      after = nodes[(index + 1)...]
      return
    }
    return nil
  }

  /// The queries and keys of whole sequences, in scratch memory.
  ///
  /// With `advancing`, `hidden` is replaced by the block's output: the teacher's own, so that every
  /// layer is trained on what the unconverted model would have computed.
  func queryKey(
    of hidden: Matrix, rowCount: Int, validLengths: [Int]?, advancing: Bool
  ) throws(FormatError) -> LayerQKV {
    var state = Activations(hidden: hidden, rowCount: rowCount, validLengths: validLengths)
    try runner.run(before, &state)
    let projected = try runner.project(attention, state)
    if advancing {
      state.hidden = try runner.mix(attention, projected, state, layer: layer)
      try runner.run(after, &state)
    }
    return LayerQKV(
      query: projected.query, key: projected.key, value: givesValues ? projected.value : nil,
      shape: attention.shape(
        rowCount: rowCount, length: state.length, validLengths: validLengths))
  }
}
