// Bias, residual, activations, gating and row lookup.

internal import HHKernels

/// x += bias, one bias per column of `x`.
package func addBias(_ bias: FloatBuffer, to x: Matrix) {
  precondition(bias.count == x.columns, "addBias: one bias per column")
  parallelRows(x.rows, columns: x.columns) { range in
    let x = x.rows(range)
    var span = x.mutableSpan
    HHKernels.addBias(&span, x.layout, bias: bias.span)
  }
}

/// x += residual, of the same shape.
package func add(_ residual: Matrix, to x: Matrix) {
  precondition(x.rows == residual.rows && x.columns == residual.columns, "add: shapes differ")
  parallelRows(x.rows, columns: x.columns) { range in
    let (x, y) = (x.rows(range), residual.rows(range))
    var span = x.mutableSpan
    HHKernels.add(&span, x.layout, y.span, y.layout)
  }
}

/// out = silu(gate) · up, of the same shape: SwiGLU's gating. `out` is `gate` unless given.
package func multiply(gate: Matrix, up: Matrix, into out: Matrix? = nil) {
  let out = out ?? gate
  precondition(
    gate.rows == up.rows && gate.columns == up.columns && gate.rows == out.rows
      && gate.columns == out.columns, "multiply: shapes differ")
  parallelRows(gate.rows, columns: gate.columns, elements: 1 << 14) { range in
    let (gate, up, out) = (gate.rows(range), up.rows(range), out.rows(range))
    var span = out.mutableSpan
    siluMultiply(gate.span, gate.layout, up.span, up.layout, into: &span, out.layout)
  }
}

/// out = x / (1 − probability), or 0 with that probability, element by element.
///
/// What becomes of an element depends on `key` and its place in the matrix alone, so that the
/// backward pass makes the same mask by the same call.
package func dropout(_ x: Matrix, probability: Float, key: UInt32, into out: Matrix) {
  precondition(x.rows == out.rows && x.columns == out.columns, "dropout: shapes differ")
  parallelRows(x.rows, columns: x.columns) { range in
    let (x, out) = (x.rows(range), out.rows(range))
    var span = out.mutableSpan
    HHKernels.dropout(
      x.span, x.layout, firstRow: range.lowerBound, key: key, probability: probability,
      into: &span, out.layout)
  }
}

/// The activation functions of the supported architectures.
package enum Activation: String, Sendable, CaseIterable {
  /// x Φ(x) with the exact error function.
  case gelu
  /// GELU's approximation 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))).
  case geluTanh
  /// max(x, 0).
  case relu
  /// x / (1 + e⁻ˣ).
  case silu
  /// Hyperbolic tangent.
  case tanh

  var function: ElementwiseFunction {
    switch self {
    case .gelu: .gelu
    case .geluTanh: .geluTanh
    case .relu: .relu
    case .silu: .silu
    case .tanh: .tanh
    }
  }

  /// out = activation(x); in place unless `out` is given.
  package func apply(_ x: Matrix, into out: Matrix? = nil) {
    let out = out ?? x
    precondition(x.rows == out.rows && x.columns == out.columns, "activation: shapes differ")
    let function = self.function
    parallelRows(x.rows, columns: x.columns, elements: 1 << 14) { range in
      let (x, out) = (x.rows(range), out.rows(range))
      var span = out.mutableSpan
      HHKernels.apply(function, to: x.span, x.layout, into: &span, out.layout)
    }
  }
}

/// Row i of `out` = row `ids[i]` of `table`: an embedding lookup.
///
/// Identifiers outside the table are a programmer error; check input before.
package func gatherRows(_ table: Matrix, ids: [Int32], into out: Matrix) {
  precondition(out.rows == ids.count && out.columns == table.columns, "gatherRows: shapes")
  parallelRows(ids.count, columns: table.columns) { range in
    for row in range {
      let id = Int(ids[row])
      precondition(0 <= id && id < table.rows, "gatherRows: identifier outside the table")
      let source = table.rows(id..<id + 1)
      let target = out.rows(row..<row + 1)
      let from = source.span
      var to = target.mutableSpan
      for column in from.indices { to[column] = from[column] }
    }
  }
}
