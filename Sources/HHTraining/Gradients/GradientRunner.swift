// Running a graph forward and back: losses and gradients.

internal import HHCompute
package import HHData
package import HHFormat
package import HHModel

/// A loss as a sum, and the number of terms that it is the mean of.
package struct LossSum: Sendable, Equatable {
  /// Sum over terms.
  package var sum = 0.0
  /// Number of terms: labelled positions, rows or elements.
  package var count = 0

  /// Creates a sum of nothing.
  package init() {}

  init(sum: Double, count: Int) {
    self.sum = sum
    self.count = count
  }

  /// The mean of the terms; 0 without any.
  package var mean: Double { count == 0 ? 0 : sum / Double(count) }

  /// Adds the terms of another batch.
  package mutating func add(_ other: LossSum) {
    sum += other.sum
    count += other.count
  }
}

/// Losses of a model's batches, and the gradients of its trained parameters.
///
/// The forward pass records what the backward pass needs, node by node; the backward pass walks the
/// record in reverse. With `recomputesBlocks` only the blocks' inputs are kept and each block runs
/// again before its backward pass: a third more time for a fraction of the memory.
///
/// One runner serves one thread; the operations inside it use all threads. From the second step of
/// a shape on it allocates no matrices.
package final class GradientRunner {
  /// The model that is trained.
  package let model: ModelRunner
  /// What is trained.
  package let parameters: TrainableParameters
  /// Whether blocks run again in the backward pass instead of being kept.
  package var recomputesBlocks = false
  /// The key that the dropout of a step is drawn by; change it at every step.
  package var dropoutKey: UInt32 = 0
  /// Positions whose logits are in memory at a time.
  package var logitPositions = 512

  let records = TapeMemory()
  let states = TapeMemory()
  let workspace = Workspace()
  let scratch = ScratchSpace()
  /// Whether dropout is on.
  var isTraining = false
  /// The records of the part of the graph that runs.
  var tape: [NodeRecord] = []

  /// Creates a runner.
  package init(model: ModelRunner, parameters: TrainableParameters) {
    self.model = model
    self.parameters = parameters
  }

  /// The loss of a batch, without gradients and without dropout.
  package func loss(_ input: ModelInput, _ objective: Objective) throws(FormatError) -> LossSum {
    let state = try finalStates(input) { _, _ in }
    return try loss(of: state, input, objective, divisor: nil)
  }

  /// Runs a batch forward and back; adds its gradients to those of the parameters.
  ///
  /// - Parameters:
  ///   - input: The batch.
  ///   - objective: What its outputs are compared with.
  ///   - divisor: What the gradient's sum is divided by; nil means the batch's own number of terms.
  ///     Steps of several batches pass the number of terms of all.
  /// - Returns: The loss before any parameter changes.
  /// - Throws: `FormatError` for weights that cannot be read.
  package func lossAndGradients(
    _ input: ModelInput, _ objective: Objective, divisor: Int? = nil
  ) throws(FormatError) -> LossSum {
    isTraining = true
    records.rewind()
    states.rewind()
    var (state, embedding) = try embed(input)
    var blocks: [(input: Matrix, tape: [NodeRecord]?)] = []
    for layer in 0..<model.graph.layerCount {
      let (blockInput, start) = (state.hidden, records.position)
      model.leaveBlock()
      let tape = try record(model.graph.nodes(ofLayer: layer), &state)
      if recomputesBlocks {
        let kept = hidden(for: input)
        copy(state.hidden, to: kept)
        state.hidden = kept
        records.rewind(to: start)
      }
      blocks.append((blockInput, recomputesBlocks ? nil : tape))
    }
    model.leaveBlock()
    let output = try record(model.graph.outputNodes, &state)
    let gradient = workspace.matrix(
      .gradientA, rows: state.hidden.rows, columns: state.hidden.columns)
    clear(gradient)
    let result = try loss(of: state, input, objective, divisor: divisor, into: gradient)
    var reverse = ReverseState(hidden: gradient, state: state)
    try backward(output, &reverse)
    for (layer, block) in blocks.enumerated().reversed() {
      let start = records.position
      model.leaveBlock()
      var tape = block.tape
      if tape == nil {
        state.hidden = block.input
        state.residual = nil
        tape = try record(model.graph.nodes(ofLayer: layer), &state)
      }
      try backward(tape ?? [], &reverse)
      if block.tape == nil { records.rewind(to: start) }
    }
    model.leaveBlock()
    try backward(embedding, &reverse)
    try embeddingBackward(input, reverse.hidden)
    return result
  }

  /// Number of terms that an objective is the mean of, for a batch.
  package func termCount(_ input: ModelInput, _ objective: Objective) -> Int {
    func count(_ labels: [Int32]) -> Int { labels.reduce(0) { $1 < 0 ? $0 : $0 + 1 } }
    let length = model.length(of: input)
    switch objective {
    case .nextToken: return count(input.nextTokens())
    case .maskedTokens(let labels), .classes(let labels): return count(labels)
    case .values: return input.rowCount
    case .teacherLogits:
      return model.graph.tokenHead == nil
        ? input.rowCount : count(input.validPositions(length: length))
    case .teacherStates:
      return count(input.validPositions(length: length)) * model.graph.hiddenSize
    }
  }

  /// The first block whose output for a batch has values that are not numbers, or nil.
  package func firstNonFiniteLayer(_ input: ModelInput) throws(FormatError) -> Int? {
    var first: Int?
    _ = try finalStates(input) { layer, hidden in
      if first == nil && !hidden.isFinite { first = layer }
    }
    return first
  }

  /// Final hidden states without dropout, block by block in the same memory; `visit` sees the
  /// output of every block.
  private func finalStates(_ input: ModelInput, visit: (_ layer: Int, _ hidden: Matrix) -> Void)
    throws(FormatError) -> Activations
  {
    isTraining = false
    records.rewind()
    states.rewind()
    var (state, _) = try embed(input)
    let (rows, columns) = (state.hidden.rows, state.hidden.columns)
    for layer in 0..<model.graph.layerCount {
      let start = records.position
      model.leaveBlock()
      _ = try record(model.graph.nodes(ofLayer: layer), &state)
      // The block's memory is about to be rewound.
      let kept = workspace.matrix(
        layer.isMultiple(of: 2) ? .gradientA : .gradientB, rows: rows, columns: columns)
      copy(state.hidden, to: kept)
      state.hidden = kept
      records.rewind(to: start)
      visit(layer, kept)
    }
    model.leaveBlock()
    _ = try record(model.graph.outputNodes, &state)
    return state
  }
}

/// Gradients on their way back through a graph.
struct ReverseState {
  /// The gradient of the current hidden states.
  var hidden: Matrix
  /// The gradient that the next `saveResidual` adds; possibly the same memory as `hidden`, which is
  /// then not written.
  var residual: Matrix?
  let rowCount: Int
  let length: Int
  let validLengths: [Int]?

  init(hidden: Matrix, state: Activations) {
    self.hidden = hidden
    rowCount = state.rowCount
    length = state.length
    validLengths = state.validLengths
  }
}
