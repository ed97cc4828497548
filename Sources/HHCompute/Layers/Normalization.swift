// Layer normalisation and root-mean-square normalisation.

internal import HHKernels

/// out = (x − mean) / √(variance + epsilon) · weight + bias, row by row; `out` may be `x`.
package func layerNorm(
  _ x: Matrix, weight: FloatBuffer, bias: FloatBuffer, epsilon: Float, into out: Matrix
) {
  precondition(x.rows == out.rows && x.columns == out.columns, "layerNorm: shapes differ")
  precondition(weight.count == x.columns && bias.count == x.columns, "layerNorm: parameters")
  parallelRows(x.rows, columns: x.columns) { range in
    let (x, out) = (x.rows(range), out.rows(range))
    var span = out.mutableSpan
    HHKernels.layerNorm(
      x.span, x.layout, weight: weight.span, bias: bias.span, epsilon: epsilon, into: &span,
      out.layout)
  }
}

/// out = x / √(mean of x² + epsilon) · weight, row by row; `out` may be `x`.
package func rmsNorm(_ x: Matrix, weight: FloatBuffer, epsilon: Float, into out: Matrix) {
  precondition(x.rows == out.rows && x.columns == out.columns, "rmsNorm: shapes differ")
  precondition(weight.count == x.columns, "rmsNorm: parameters")
  parallelRows(x.rows, columns: x.columns) { range in
    let (x, out) = (x.rows(range), out.rows(range))
    var span = out.mutableSpan
    HHKernels.rmsNorm(
      x.span, x.layout, weight: weight.span, epsilon: epsilon, into: &span, out.layout)
  }
}
