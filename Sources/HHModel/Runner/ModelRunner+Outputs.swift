// The last nodes of a graph: what a model gives besides its hidden states.

package import HHCompute
package import HHData
package import HHFormat

/// Everything a model gives for a batch.
package struct ModelOutputs {
  /// Hidden states after the final norm, [rows × length, hidden size].
  package let hidden: Matrix
  /// tanh-pooled first rows, [rows, hidden size], where the model has a pooler.
  package var pooled: Matrix?
  /// Logits per token, [rows × length, vocabulary], or per row, [rows, labels].
  package var logits: Matrix?
}

extension ModelRunner {
  /// Runs the whole graph over a batch.
  package func outputs(for input: ModelInput) throws(FormatError) -> ModelOutputs {
    let hidden = Matrix(
      rows: input.rowCount * length(of: input), columns: graph.hiddenSize)
    return try outputs(from: finalStates(for: input, into: hidden))
  }

  /// The hidden states that the heads read, in `hidden`, [rows × length, hidden size].
  package func finalStates(for input: ModelInput, into hidden: Matrix) throws(FormatError)
    -> Activations
  {
    var state = try embed(input, into: hidden)
    state.lastTokens = try lastTokens(of: input)
    for layer in 0..<graph.layerCount {
      leaveBlock()
      try run(graph.nodes(ofLayer: layer), &state)
    }
    leaveBlock()
    try run(graph.outputNodes, &state)
    return state
  }

  /// Reads the heads off final hidden states.
  package func outputs(from state: Activations) throws(FormatError) -> ModelOutputs {
    var outputs = ModelOutputs(hidden: state.hidden)
    for node in graph.outputNodes {
      guard case .head(let head) = node.operation else { continue }
      switch head {
      case .pooler(let linear):
        let pooled = Matrix(rows: state.rowCount, columns: linear.outputs)
        try apply(linear, to: firstRows(of: state), into: pooled)
        Activation.tanh.apply(pooled)
        outputs.pooled = pooled
      case .classifier(let linear, let usesPooled):
        let logits = Matrix(rows: state.rowCount, columns: linear.outputs)
        let input = usesPooled ? outputs.pooled ?? firstRows(of: state) : firstRows(of: state)
        try apply(linear, to: input, into: logits)
        outputs.logits = logits
      case .lastTokenClassifier(let linear, _):
        let logits = Matrix(rows: state.rowCount, columns: linear.outputs)
        let ends = state.lastTokens ?? state.lastPositions
        try apply(linear, to: rows(of: state, at: ends), into: logits)
        outputs.logits = logits
      case .languageModel, .maskedLanguageModel:
        guard let decoder = head.decoder else { continue }
        let logits = Matrix(rows: state.hidden.rows, columns: decoder.outputs)
        try tokenLogits(of: state.hidden, into: logits)
        outputs.logits = logits
      }
    }
    return outputs
  }

  /// The logits of any rows of final hidden states, where the model has a head for tokens; what a
  /// backward pass needs of it lasts until the next call, and is whole with `keepsOutputs` only.
  @discardableResult
  package func tokenLogits(of rows: Matrix, into logits: Matrix, keepsOutputs: Bool = false)
    throws(FormatError) -> TokenHeadRecord
  {
    var record = TokenHeadRecord(input: rows)
    guard let head = graph.tokenHead, let decoder = head.decoder else { return record }
    if case .maskedLanguageModel(let transform, let activation, let norm, _) = head {
      func scratch(_ name: Workspace.Name) -> Matrix {
        workspace.matrix(
          keepsOutputs ? name : .head, rows: rows.rows, columns: transform.outputs)
      }
      let before = scratch(.head)
      let after = scratch(.headActivated)
      record = TokenHeadRecord(input: scratch(.headNormed), transformed: (before, after))
      try apply(transform, to: rows, into: before)
      activation.apply(before, into: after)
      try apply(norm, to: after, into: record.input)
    }
    try apply(decoder, to: record.input, into: logits)
    return record
  }

  /// The hidden states of each sequence's first position, [rows, hidden size].
  private func firstRows(of state: Activations) -> Matrix {
    rows(of: state, at: Array(repeating: 0, count: state.rowCount))
  }

  /// The hidden states of a position of each sequence, [rows, hidden size].
  private func rows(of state: Activations, at positions: [Int]) -> Matrix {
    let rows = workspace.matrix(.first, rows: state.rowCount, columns: state.hidden.columns)
    for (row, position) in positions.enumerated() {
      let place = row * state.length + position
      copy(state.hidden.rows(place..<place + 1), to: rows.rows(row..<row + 1))
    }
    return rows
  }
}
