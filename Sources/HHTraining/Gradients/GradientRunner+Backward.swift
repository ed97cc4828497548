// The backward pass over a record.

internal import HHCompute
internal import HHFormat
internal import HHModel

extension GradientRunner {
  /// Walks a record in reverse.
  func backward(_ tape: [NodeRecord], _ state: inout ReverseState) throws(FormatError) {
    for record in tape.reversed() {
      switch record {
      case .addResidual: state.residual = state.hidden
      case .saveResidual:
        if let residual = state.residual { add(residual, to: state.hidden) }
        state.residual = nil
      case .norm(let norm, let input): try backward(norm, input, &state)
      case .mlp(let mlp, let record): try backward(mlp, record, &state)
      case .attention(let attention, let record, let layer):
        try backward(attention, record, &state, layer: layer)
      }
    }
  }

  /// Memory for a gradient of hidden states that neither of the current two occupies.
  private func free(_ state: ReverseState) -> Matrix {
    let (rows, columns) = (state.hidden.rows, state.hidden.columns)
    let names: [Workspace.Name] = [.gradientA, .gradientB, .gradientC]
    for name in names {
      let matrix = workspace.matrix(name, rows: rows, columns: columns)
      if matrix.buffer !== state.hidden.buffer && matrix.buffer !== state.residual?.buffer {
        return matrix
      }
    }
    preconditionFailure("three gradients cannot be in use at once")
  }

  private func backward(_ norm: Norm, _ input: Matrix, _ state: inout ReverseState)
    throws(FormatError)
  {
    let isShared = state.residual?.buffer === state.hidden.buffer
    let target = isShared ? free(state) : state.hidden
    try backward(norm, input, dOut: state.hidden, into: target)
    state.hidden = target
  }

  /// The gradient of a norm's input; `target` may be `dOut`.
  func backward(_ norm: Norm, _ input: Matrix, dOut: Matrix, into target: Matrix)
    throws(FormatError)
  {
    let weight = try model.parameters.vector(norm.weight)
    let dWeight = gradient(norm.weight)
    if let bias = norm.bias {
      layerNormBackward(
        input, weight: weight, epsilon: norm.epsilon, dOut: dOut, into: target,
        dWeight: dWeight, dBias: dWeight == nil ? nil : gradient(bias), scratch: scratch)
    } else {
      rmsNormBackward(
        input, weight: weight, epsilon: norm.epsilon, dOut: dOut, into: target,
        dWeight: dWeight, scratch: scratch)
    }
  }

  private func backward(_ mlp: MLP, _ record: MLPRecord, _ state: inout ReverseState)
    throws(FormatError)
  {
    let (x, dY) = (record.x, state.hidden)
    let up = record.up.y
    // First the gradient of what went into the last product, then that input itself: activations
    // give both at once, and only then can the last weight's gradient be taken.
    let inner = workspace.matrix(.gradientInner, rows: x.rows, columns: up.columns)
    try inputGradient(record.down, dY, into: inner)
    let (h, dUp): (Matrix, Matrix)
    if let gate = record.gate {
      multiplyBackward(gate: gate.y, up: up, gradient: inner)
      (h, dUp) = (inner, up)
    } else {
      mlp.activation.backward(up, gradient: inner)
      (h, dUp) = (up, inner)
    }
    try parameterGradients(record.down, x: h, dY)
    let target = free(state)
    try parameterGradients(record.up, x: x, dUp)
    try inputGradient(record.up, dUp, into: target)
    if let gate = record.gate {
      try parameterGradients(gate, x: x, gate.y)
      try inputGradient(gate, gate.y, into: target, beta: 1)
    }
    state.hidden = target
  }

  private func backward(
    _ attention: Attention, _ record: AttentionRecord, _ state: inout ReverseState, layer: Int
  ) throws(FormatError) {
    let (x, dY) = (record.x, state.hidden)
    let dMixed = workspace.matrix(.mixed, rows: x.rows, columns: record.mixed.columns)
    try inputGradient(record.output, dY, into: dMixed)
    try parameterGradients(record.output, x: record.mixed, dY)
    let names: [Workspace.Name] =
      record.projected.projections.count == 1 ? [.queryKeyValue] : [.query, .key, .value]
    let gradients = zip(names, record.projected.projections).map { name, projection in
      workspace.matrix(name, rows: x.rows, columns: projection.y.columns)
    }
    let (forward, reverse) = (record.projected, QueryKeyValue(attention, in: gradients))
    let parts = AttentionGradients(
      q: forward.query, k: forward.key, v: forward.value, out: record.mixed, dOut: dMixed,
      dQ: reverse.query, dK: reverse.key, dV: reverse.value)
    let shape = attention.shape(
      rowCount: state.rowCount, length: state.length, validLengths: state.validLengths)
    switch attention.mechanism {
    case .softmax:
      SoftmaxAttention.backward(parts, shape: shape, scale: attention.scale, scratch: scratch)
    case .linear:
      LinearAttention.backward(
        parts, shape: shape, scale: attention.scale, maps: model.featureMaps(ofLayer: layer),
        mapGradients: parameters.mapGradients[layer], scratch: scratch)
    }
    if let rotary = attention.rotary {
      let table = model.rotaryTable(rotary, positions: state.length)
      table.backward(reverse.query, length: state.length)
      table.backward(reverse.key, length: state.length)
    }
    let target = free(state)
    for (index, (projection, dP)) in zip(forward.projections, gradients).enumerated() {
      try parameterGradients(projection, x: x, dP)
      try inputGradient(projection, dP, into: target, beta: index == 0 ? 0 : 1)
    }
    state.hidden = target
  }

  /// The gradient of a parameter of the model, where it is trained.
  func gradient(_ role: String) -> FloatBuffer? {
    parameters.gradient(ofTensor: model.parameters.tensorName(role))
  }

  /// Adds the gradients of a linear map's weight, bias and adapter, given its input.
  func parameterGradients(_ applied: Applied, x: Matrix, _ dY: Matrix) throws(FormatError) {
    try parameterGradients(applied.linear, x: x, dY)
    guard let adapter = parameters.adapters[applied.linear.weight], let inner = applied.inner
    else { return }
    gemm(
      dY, transposed: true, inner, into: adapter.gradientB, alpha: adapter.scale, beta: 1)
    gemm(
      innerGradient(adapter, dY), transposed: true, dropped(x, adapter),
      into: adapter.gradientA, beta: 1)
  }

  /// Adds the gradients of a linear map's weight and bias, given its input.
  func parameterGradients(_ linear: Linear, x: Matrix, _ dY: Matrix) throws(FormatError) {
    if let dWeight = gradient(linear.weight) {
      addWeightGradient(
        x: x, dY: dY, to: LinearWeight(linear, in: dWeight), precision: model.precision)
    }
    if let bias = linear.bias, let dBias = gradient(bias) { addBiasGradient(dY, to: dBias) }
  }

  /// The gradient of a linear map's input: dX = dY W + beta · dX, and the adapter's part.
  func inputGradient(_ applied: Applied, _ dY: Matrix, into dX: Matrix, beta: Float = 0)
    throws(FormatError)
  {
    linearBackward(
      dY, try model.parameters.weight(applied.linear), into: dX, beta: beta,
      precision: model.precision)
    guard let adapter = parameters.adapters[applied.linear.weight] else { return }
    let inner = innerGradient(adapter, dY)
    guard isTraining && adapter.dropout > 0 else {
      gemm(inner, transposed: false, adapter.a, into: dX, beta: 1)
      return
    }
    let part = workspace.matrix(.adapterInput, rows: dX.rows, columns: dX.columns)
    gemm(inner, transposed: false, adapter.a, into: part)
    dropout(part, probability: adapter.dropout, key: key(of: adapter), into: part)
    add(part, to: dX)
  }

  /// The gradient of what an adapter computes on the way, [rows, rank], in scratch memory.
  private func innerGradient(_ adapter: LowRankAdapter, _ dY: Matrix) -> Matrix {
    let inner = workspace.matrix(.adapterGradient, rows: dY.rows, columns: adapter.a.rows)
    gemm(dY, transposed: false, adapter.b, into: inner, alpha: adapter.scale)
    return inner
  }
}
