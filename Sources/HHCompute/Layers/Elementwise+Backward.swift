// Backward passes of activations and gating.

internal import HHKernels

extension Activation {
  /// The gradient of the activation's input, in place of that of its output; `x`, the input, becomes
  /// the output, which the product that follows needs for its own gradient.
  package func backward(_ x: Matrix, gradient: Matrix) {
    precondition(
      x.rows == gradient.rows && x.columns == gradient.columns, "activation: shapes differ")
    let function = self.function
    parallelRows(x.rows, columns: x.columns, elements: 1 << 14) { range in
      let (x, gradient) = (x.rows(range), gradient.rows(range))
      var values = x.mutableSpan
      var gradients = gradient.mutableSpan
      applyBackward(function, &values, x.layout, gradient: &gradients, gradient.layout)
    }
  }
}

/// The gradients of out = silu(gate) · up: `gate` and `up` are replaced by their gradients, and
/// `gradient`, that of out, by out itself.
package func multiplyBackward(gate: Matrix, up: Matrix, gradient: Matrix) {
  precondition(
    gate.rows == up.rows && gate.columns == up.columns && gate.rows == gradient.rows
      && gate.columns == gradient.columns, "multiplyBackward: shapes differ")
  parallelRows(gate.rows, columns: gate.columns, elements: 1 << 14) { range in
    let (gate, up, gradient) = (gate.rows(range), up.rows(range), gradient.rows(range))
    var gates = gate.mutableSpan
    var ups = up.mutableSpan
    var gradients = gradient.mutableSpan
    siluMultiplyBackward(
      gate: &gates, gate.layout, up: &ups, up.layout, gradient: &gradients, gradient.layout)
  }
}
