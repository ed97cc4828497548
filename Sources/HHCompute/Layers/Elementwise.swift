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

/// gate = silu(gate) · up, of the same shape: SwiGLU's gating.
package func multiply(gate: Matrix, up: Matrix) {
  precondition(gate.rows == up.rows && gate.columns == up.columns, "multiply: shapes differ")
  parallelRows(gate.rows, columns: gate.columns, elements: 1 << 14) { range in
    let (gate, up) = (gate.rows(range), up.rows(range))
    var span = gate.mutableSpan
    siluMultiply(&span, gate.layout, up.span, up.layout)
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

  private var function: ElementwiseFunction {
    switch self {
    case .gelu: .gelu
    case .geluTanh: .geluTanh
    case .relu: .relu
    case .silu: .silu
    case .tanh: .tanh
    }
  }

  /// x = activation(x), in place.
  package func apply(_ x: Matrix) {
    let function = self.function
    parallelRows(x.rows, columns: x.columns, elements: 1 << 14) { range in
      let x = x.rows(range)
      var span = x.mutableSpan
      HHKernels.apply(function, to: &span, x.layout)
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
