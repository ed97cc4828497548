// The forward pass that records what the backward pass needs.

internal import HHCompute
internal import HHFormat
internal import HHModel

extension GradientRunner {
  /// What a node's backward pass needs. Matrices live in the tape's memory.
  enum Record {
    case saveResidual
    case addResidual
    case norm(Norm, input: Matrix)
    case mlp(MLP, MLPRecord)
    case attention(Attention, AttentionRecord, layer: Int)
  }

  struct MLPRecord {
    let x: Matrix
    /// Outputs of the products, before activation and gating.
    let up: Applied
    let gate: Applied?
    /// The last product; what went into it is computed again.
    let down: Applied
  }

  struct AttentionRecord {
    let x: Matrix
    let projections: [Applied]
    let query: Matrix
    let key: Matrix
    let value: Matrix
    let mixed: Matrix
    let output: Applied
  }

  /// A linear map's output, and what its adapter computed on the way.
  struct Applied {
    let linear: Linear
    let y: Matrix
    /// dropout(x) Aᵀ, [rows, rank].
    let inner: Matrix?
  }

  /// Runs nodes from hidden states to hidden states, each into memory of its own.
  func record(_ nodes: some Sequence<Node>, _ state: inout Activations) throws(FormatError)
    -> [Record]
  {
    var tape: [Record] = []
    for node in nodes {
      switch node.operation {
      case .tokenEmbedding, .patchEmbedding, .head: break
      case .saveResidual:
        state.residual = state.hidden
        tape.append(.saveResidual)
      case .addResidual:
        guard let residual = state.residual else { continue }
        // The sublayer's output is needed by nobody else.
        add(residual, to: state.hidden)
        state.residual = nil
        tape.append(.addResidual)
      case .norm(let norm):
        let input = state.hidden
        state.hidden = records.matrix(rows: input.rows, columns: input.columns)
        try model.apply(norm, to: input, into: state.hidden)
        tape.append(.norm(norm, input: input))
      case .mlp(let mlp):
        let record = try self.record(mlp, state.hidden)
        state.hidden = record.down.y
        tape.append(.mlp(mlp, record))
      case .attention(let attention):
        guard let layer = node.layer else { continue }
        let record = try self.record(attention, state, layer: layer)
        state.hidden = record.output.y
        tape.append(.attention(attention, record, layer: layer))
      }
    }
    return tape
  }

  private func record(_ mlp: MLP, _ x: Matrix) throws(FormatError) -> MLPRecord {
    let up = try apply(mlp.up, to: x)
    var gate: Applied?
    let inner = workspace.matrix(.inner, rows: x.rows, columns: mlp.up.outputs)
    if let linear = mlp.gate {
      let applied = try apply(linear, to: x)
      multiply(gate: applied.y, up: up.y, into: inner)
      gate = applied
    } else {
      Activation(mlp.activation).apply(up.y, into: inner)
    }
    return MLPRecord(x: x, up: up, gate: gate, down: try apply(mlp.down, to: inner))
  }

  private func record(_ attention: Attention, _ state: Activations, layer: Int)
    throws(FormatError) -> AttentionRecord
  {
    let x = state.hidden
    var projections: [Applied] = []
    for linear in attention.projection.linears { projections.append(try apply(linear, to: x)) }
    let (query, key, value) = attention.parts(of: projections.map(\.y))
    if let rotary = attention.rotary {
      let table = model.rotaryTable(rotary, positions: state.length)
      table.apply(to: query, length: state.length)
      table.apply(to: key, length: state.length)
    }
    let mixed = records.matrix(rows: x.rows, columns: attention.headCount * attention.headSize)
    let shape = attention.shape(
      rowCount: state.rowCount, length: state.length, validLengths: state.validLengths)
    switch attention.mechanism {
    case .softmax:
      SoftmaxAttention.forward(
        q: query, k: key, v: value, shape: shape, scale: attention.scale, into: mixed)
    case .hedgehog:
      LinearAttention.forward(
        q: query, k: key, v: value, shape: shape, scale: attention.scale,
        maps: model.featureMaps(ofLayer: layer), into: mixed)
    }
    return AttentionRecord(
      x: x, projections: projections, query: query, key: key, value: value, mixed: mixed,
      output: try apply(attention.output, to: mixed))
  }

  /// y = x Wᵀ + b, and the adapter's part where there is one, in the tape's memory.
  private func apply(_ linear: Linear, to x: Matrix) throws(FormatError) -> Applied {
    let y = records.matrix(rows: x.rows, columns: linear.outputs)
    try model.apply(linear, to: x, into: y)
    guard let adapter = parameters.adapters[linear.weight] else {
      return Applied(linear: linear, y: y, inner: nil)
    }
    let inner = records.matrix(rows: x.rows, columns: adapter.a.rows)
    gemm(dropped(x, adapter), transposed: false, adapter.a, transposed: true, into: inner)
    gemm(
      inner, transposed: false, adapter.b, transposed: true, into: y, alpha: adapter.scale, beta: 1)
    return Applied(linear: linear, y: y, inner: inner)
  }

  /// An adapter's input in training: `x` with some elements left out, in scratch memory.
  func dropped(_ x: Matrix, _ adapter: LowRankAdapter) -> Matrix {
    guard isTraining && adapter.dropout > 0 else { return x }
    let result = workspace.matrix(.adapterInput, rows: x.rows, columns: x.columns)
    dropout(x, probability: adapter.dropout, key: key(of: adapter), into: result)
    return result
  }

  /// The dropout of one adapter in one step.
  func key(of adapter: LowRankAdapter) -> UInt32 {
    dropoutKey &+ adapter.index &* 0x9E37_79B9
  }
}

extension Attention {
  /// Queries, keys and values in the outputs of the projections.
  func parts(of outputs: [Matrix]) -> (query: Matrix, key: Matrix, value: Matrix) {
    guard outputs.count == 1 else { return (outputs[0], outputs[1], outputs[2]) }
    let (queries, keys) = (headCount * headSize, keyValueHeadCount * headSize)
    return (
      outputs[0].columns(0..<queries), outputs[0].columns(queries..<queries + keys),
      outputs[0].columns(queries + keys..<queries + 2 * keys)
    )
  }
}
