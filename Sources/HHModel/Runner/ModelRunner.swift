// Running a graph forward.

package import HHCompute
package import HHFormat

/// The hidden states of a batch on their way through a graph.
package struct Activations {
  /// Hidden states, [rows × length, hidden size].
  package var hidden: Matrix
  /// What the next `addResidual` adds; where it is the same memory as `hidden`, a node must not
  /// write in place.
  package var residual: Matrix?
  /// Number of sequences.
  package let rowCount: Int
  /// Positions per sequence.
  package let length: Int
  /// Valid positions of each sequence; nil where none is padded.
  package let validLengths: [Int]?
  /// The position of each sequence that a decoder's classifier reads, where there is one.
  var lastTokens: [Int]?

  /// Wraps the hidden states of whole sequences.
  package init(hidden: Matrix, rowCount: Int, validLengths: [Int]? = nil) {
    self.hidden = hidden
    self.rowCount = rowCount
    length = rowCount == 0 ? 0 : hidden.rows / rowCount
    self.validLengths = validLengths
  }

  /// Whether `hidden` must be left as it is for the residual's sake.
  fileprivate var isShared: Bool {
    residual.map { $0.buffer === hidden.buffer && $0.offset == hidden.offset } ?? false
  }
}

/// Runs the nodes of a graph over batches, with weights from a store.
///
/// One runner serves one thread; the operations inside it use all threads.
package final class ModelRunner {
  /// The graph that is run.
  package let graph: Graph
  /// Where weights come from.
  package let parameters: ParameterStore
  /// Feature maps of rewritten blocks, by layer.
  package var maps: [Int: FeatureMaps] = [:]
  /// Whether the weights of a block are given back after it has run, so that memory holds one block at
  /// a time, and read again at the next batch. Results are the same.
  package var streamsWeights = false
  /// Of the products of linear maps.
  package var precision = ProductPrecision.float32
  let workspace = Workspace()
  var rotaryTable: RotaryTable?

  /// Creates a runner.
  package init(graph: Graph, parameters: ParameterStore) {
    self.graph = graph
    self.parameters = parameters
  }

  /// Runs nodes that map hidden states to hidden states. Heads are skipped: see `outputs`.
  package func run(
    _ nodes: some Sequence<Node>, _ state: inout Activations,
    recorder: (any ForwardRecorder)? = nil
  ) throws(FormatError) {
    for node in nodes {
      switch node.operation {
      case .tokenEmbedding, .patchEmbedding, .head: break
      case .saveResidual:
        state.residual = state.hidden
        recorder?.append(.saveResidual)
      case .addResidual:
        guard let residual = state.residual else { continue }
        if let recorder {
          // Only the residual is needed again, not the sublayer's output.
          add(residual, to: state.hidden)
          recorder.append(.addResidual)
        } else {
          add(state.hidden, to: residual)
          state.hidden = residual
        }
        state.residual = nil
      case .norm(let norm): try apply(norm, &state, recorder)
      case .mlp(let mlp): state.hidden = try output(of: mlp, state.hidden, recorder)
      case .attention(let attention):
        state.hidden = try output(of: attention, state, layer: node.layer, recorder)
      }
    }
  }

  /// Gives weights back at the end of a block where they are streamed.
  package func leaveBlock() { if streamsWeights { parameters.release() } }

  /// y = x Wᵀ + b.
  package func apply(_ linear: Linear, to x: Matrix, into y: Matrix) throws(FormatError) {
    let transposed = !linear.isInputMajor
    let columns = transposed ? linear.inputs : linear.outputs
    if let half = try parameters.half(linear.weight, columns: columns) {
      if x.rows <= maximumSmallBatch {
        half.product(x, transposed: transposed, into: y)
      } else if precision == .bfloat16, half.format == .bfloat16 {
        half.roundedProduct(x, transposed: transposed, into: y)
      } else {
        let wide = workspace.matrix(.weight, rows: half.rows, columns: half.columns)
        half.widen(into: wide)
        gemm(
          x, transposed: false, wide, transposed: transposed, into: y, precision: precision)
      }
    } else {
      gemm(
        x, transposed: false, try parameters.matrix(linear), transposed: transposed, into: y,
        precision: precision)
    }
    if let bias = linear.bias { addBias(try parameters.vector(bias), to: y) }
  }

  /// A linear map with its adapter: its output is the recorder's to keep, or scratch memory.
  func apply(
    _ linear: Linear, to x: Matrix, in name: Workspace.Name, _ recorder: (any ForwardRecorder)?
  ) throws(FormatError) -> Applied {
    let y = matrix(name, rows: x.rows, columns: linear.outputs, recorder)
    try apply(linear, to: x, into: y)
    return Applied(linear: linear, y: y, inner: recorder?.adapt(linear, x: x, y: y))
  }

  /// Memory for a node's output.
  func matrix(
    _ name: Workspace.Name, rows: Int, columns: Int, _ recorder: (any ForwardRecorder)?
  ) -> Matrix {
    recorder?.matrix(rows: rows, columns: columns)
      ?? workspace.matrix(name, rows: rows, columns: columns)
  }

  private func apply(_ norm: Norm, _ state: inout Activations, _ recorder: (any ForwardRecorder)?)
    throws(FormatError)
  {
    let input = state.hidden
    if recorder != nil || state.isShared {
      state.hidden = matrix(.normed, rows: input.rows, columns: input.columns, recorder)
    }
    try apply(norm, to: input, into: state.hidden)
    recorder?.append(.norm(norm, input: input))
  }

  /// Normalises rows; input and output may be the same memory.
  package func apply(_ norm: Norm, to input: Matrix, into output: Matrix) throws(FormatError) {
    let weight = try parameters.vector(norm.weight)
    if let bias = norm.bias {
      layerNorm(
        input, weight: weight, bias: try parameters.vector(bias), epsilon: norm.epsilon,
        into: output)
    } else {
      rmsNorm(input, weight: weight, epsilon: norm.epsilon, into: output)
    }
  }

  private func output(of mlp: MLP, _ x: Matrix, _ recorder: (any ForwardRecorder)?)
    throws(FormatError) -> Matrix
  {
    let up = try apply(mlp.up, to: x, in: .inner, recorder)
    var gate: Applied?
    if let linear = mlp.gate { gate = try apply(linear, to: x, in: .gate, recorder) }
    var inner = gate?.y ?? up.y
    if recorder != nil {
      inner = workspace.matrix(.inner, rows: x.rows, columns: mlp.up.outputs)
    }
    if let gate {
      multiply(gate: gate.y, up: up.y, into: inner)
    } else {
      mlp.activation.apply(up.y, into: inner)
    }
    let down = try apply(mlp.down, to: inner, in: .sublayer, recorder)
    recorder?.append(.mlp(mlp, MLPRecord(x: x, up: up, gate: gate, down: down)))
    return down.y
  }
}
