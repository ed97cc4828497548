// What the gradient runner adds to a forward pass: adapters and the tape.

package import HHCompute
internal import HHData
internal import HHFormat
package import HHModel

extension GradientRunner: ForwardRecorder {
  /// Runs nodes from hidden states to hidden states and returns their records.
  func record(_ nodes: some Sequence<Node>, _ state: inout Activations) throws(FormatError)
    -> [NodeRecord]
  {
    defer { tape = [] }
    try model.run(nodes, &state, recorder: self)
    return tape
  }

  /// The embedded batch, and the records of the nodes before the first block.
  func embed(_ input: ModelInput) throws(FormatError) -> (Activations, [NodeRecord]) {
    defer { tape = [] }
    let state = try model.embed(input, into: hidden(for: input), recorder: self)
    return (state, tape)
  }

  /// Memory for a batch's hidden states that lasts to the end of the step.
  func hidden(for input: ModelInput) -> Matrix {
    states.matrix(
      rows: input.rowCount * model.length(of: input), columns: model.graph.hiddenSize)
  }

  package func matrix(rows: Int, columns: Int) -> Matrix {
    records.matrix(rows: rows, columns: columns)
  }

  package func append(_ record: NodeRecord) { tape.append(record) }

  package func adapt(_ linear: Linear, x: Matrix, y: Matrix) -> Matrix? {
    guard let adapter = parameters.adapters[linear.weight] else { return nil }
    let inner = matrix(rows: x.rows, columns: adapter.a.rows)
    gemm(dropped(x, adapter), transposed: false, adapter.a, transposed: true, into: inner)
    gemm(
      inner, transposed: false, adapter.b, transposed: true, into: y, alpha: adapter.scale, beta: 1)
    return inner
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
