// Losses of a graph's outputs, and the gradients of its final hidden states.

internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel

extension GradientRunner {
  /// The loss of final hidden states; with `gradient`, which is zero, adds the gradients of heads to
  /// those of the parameters and that of the hidden states to `gradient`.
  func loss(
    of state: Activations, _ input: ModelInput, _ objective: Objective, divisor: Int?,
    into gradient: Matrix? = nil
  ) throws(FormatError) -> LossSum {
    switch objective {
    case .nextToken:
      return try tokenLoss(state, input.nextTokens(), .labels, divisor, gradient)
    case .maskedTokens(let labels):
      return try tokenLoss(state, labels, .labels, divisor, gradient)
    case .classes(let labels):
      return try rowLoss(state, .crossEntropy(labels: labels), divisor, gradient)
    case .values(let values):
      let target = Matrix(rows: values.count, columns: 1, values)
      let labels = [Int32](repeating: 0, count: values.count)
      return try rowLoss(state, .squaredError(target, labels: labels), divisor, gradient)
    case .teacherLogits(let teacher, let temperature):
      guard model.graph.tokenHead == nil else {
        let goal = try teacher.states(of: input, in: workspace)
        return try tokenLoss(
          state, input.validPositions(length: state.length),
          .teacher(teacher.runner, states: goal, temperature: temperature), divisor, gradient)
      }
      let logits = try teacher.rowLogits(of: input, in: workspace)
      let labels = [Int32](repeating: 0, count: logits.rows)
      return try rowLoss(
        state, .teacherDivergence(logits, temperature: temperature, labels: labels), divisor,
        gradient)
    case .teacherStates(let teacher):
      let goal = try teacher.states(of: input, in: workspace)
      let loss = Loss.squaredError(goal, labels: input.validPositions(length: state.length))
      let count = loss.rowCount * goal.columns
      var predictions = state.hidden
      if let gradient {
        copy(predictions, to: gradient)
        predictions = gradient
      }
      let weight = gradient.map { _ in 1 / Float(max(1, divisor ?? count)) }
      let sum = loss.evaluate(predictions, weight: weight, scratch: scratch)
      return LossSum(sum: sum, count: count)
    }
  }

  /// What logits of tokens are compared with.
  private enum TokenGoal {
    case labels
    case teacher(ModelRunner, states: Matrix, temperature: Float)
  }

  /// The loss of the labelled positions, some of them at a time: the logits of a whole batch would
  /// be larger than everything else.
  private func tokenLoss(
    _ state: Activations, _ labels: [Int32], _ goal: TokenGoal, _ divisor: Int?,
    _ gradient: Matrix?
  ) throws(FormatError) -> LossSum {
    let positions = labels.indices.filter { labels[$0] >= 0 }.map(Int32.init(truncatingIfNeeded:))
    guard let head = model.graph.tokenHead, let decoder = head.decoder else {
      preconditionFailure("an objective of tokens needs a head for them")
    }
    var result = LossSum(sum: 0, count: positions.count)
    let weight = gradient.map { _ in 1 / Float(max(1, divisor ?? positions.count)) }
    for start in stride(from: 0, to: positions.count, by: logitPositions) {
      let chunk = Array(positions[start..<min(positions.count, start + logitPositions)])
      let x = workspace.matrix(.lossRows, rows: chunk.count, columns: state.hidden.columns)
      gatherRows(state.hidden, ids: chunk, into: x)
      let logits = workspace.matrix(.logits, rows: x.rows, columns: decoder.outputs)
      let record = try model.tokenLogits(of: x, into: logits, keepsOutputs: true)
      let chunkLabels = chunk.map { labels[Int($0)] }
      let loss: Loss
      switch goal {
      case .labels: loss = .crossEntropy(labels: chunkLabels)
      case .teacher(let teacher, let states, let temperature):
        let target = try teacherLogits(teacher, states, chunk)
        loss = .teacherDivergence(target, temperature: temperature, labels: chunkLabels)
      }
      result.sum += loss.evaluate(logits, weight: weight, scratch: scratch)
      if let gradient {
        scatterRows(
          try backward(head, decoder, record, x, dLogits: logits), ids: chunk, to: gradient)
      }
    }
    return result
  }

  /// The gradient of a head's input, in scratch memory, given that of its logits.
  private func backward(
    _ head: Head, _ decoder: Linear, _ record: TokenHeadRecord, _ x: Matrix, dLogits: Matrix
  ) throws(FormatError) -> Matrix {
    let dX = workspace.matrix(.lossGradient, rows: x.rows, columns: x.columns)
    try parameterGradients(decoder, x: record.input, dLogits)
    let weight = try model.parameters.weight(decoder)
    guard case .maskedLanguageModel(let transform, let activation, let norm, _) = head,
      let (before, after) = record.transformed
    else {
      linearBackward(dLogits, weight, into: dX, precision: model.precision)
      return dX
    }
    let inner = workspace.matrix(.headGradient, rows: x.rows, columns: transform.outputs)
    linearBackward(dLogits, weight, into: inner, precision: model.precision)
    try backward(norm, after, dOut: inner, into: inner)
    activation.backward(before, gradient: inner)
    try parameterGradients(transform, x: x, inner)
    linearBackward(
      inner, try model.parameters.weight(transform), into: dX, precision: model.precision)
    return dX
  }

  private func teacherLogits(_ teacher: ModelRunner, _ states: Matrix, _ positions: [Int32])
    throws(FormatError) -> Matrix
  {
    let x = workspace.matrix(.teacherRows, rows: positions.count, columns: states.columns)
    gatherRows(states, ids: positions, into: x)
    guard let decoder = teacher.graph.tokenHead?.decoder else {
      preconditionFailure("a teacher of logits has a head")
    }
    let logits = workspace.matrix(.teacherLogits, rows: x.rows, columns: decoder.outputs)
    try teacher.tokenLogits(of: x, into: logits)
    return logits
  }

  /// The loss of one row of logits per sequence.
  private func rowLoss(
    _ state: Activations, _ loss: Loss, _ divisor: Int?, _ gradient: Matrix?
  ) throws(FormatError) -> LossSum {
    guard let (classifier, pooler) = model.graph.classifier else {
      preconditionFailure("an objective of rows needs a classifier")
    }
    let (rows, width) = (state.rowCount, state.hidden.columns)
    let ids = (0..<rows).map { Int32(truncatingIfNeeded: $0 * state.length) }
    let first = workspace.matrix(.first, rows: rows, columns: width)
    gatherRows(state.hidden, ids: ids, into: first)
    var (pooled, before) = (first, first)
    if let pooler {
      before = workspace.matrix(.head, rows: rows, columns: pooler.outputs)
      pooled = workspace.matrix(.headActivated, rows: rows, columns: pooler.outputs)
      try model.apply(pooler, to: first, into: before)
      Activation.tanh.apply(before, into: pooled)
    }
    let logits = workspace.matrix(.logits, rows: rows, columns: classifier.outputs)
    try model.apply(classifier, to: pooled, into: logits)
    let count = loss.rowCount
    let weight = gradient.map { _ in 1 / Float(max(1, divisor ?? count)) }
    let predictions =
      if case .squaredError = loss { logits.columns(0..<1) } else { logits }
    let sum = loss.evaluate(predictions, weight: weight, scratch: scratch)
    guard let gradient else { return LossSum(sum: sum, count: count) }
    if predictions.columns < logits.columns { clear(logits.columns(1..<logits.columns)) }
    try parameterGradients(classifier, x: pooled, logits)
    var dX = workspace.matrix(.headGradient, rows: rows, columns: classifier.inputs)
    linearBackward(
      logits, try model.parameters.weight(classifier), into: dX, precision: model.precision)
    if let pooler {
      Activation.tanh.backward(before, gradient: dX)
      try parameterGradients(pooler, x: first, dX)
      let dFirst = workspace.matrix(.lossGradient, rows: rows, columns: width)
      linearBackward(
        dX, try model.parameters.weight(pooler), into: dFirst, precision: model.precision)
      dX = dFirst
    }
    scatterRows(dX, ids: ids, to: gradient)
    return LossSum(sum: sum, count: count)
  }
}
