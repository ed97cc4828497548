// Layer norms and RMS norms.

internal import CHHKernels

/// out = (x − mean) / √(variance + epsilon) · weight + bias, row by row. `out` may be `x`.
package func layerNorm(
  _ x: Span<Float>, _ layout: RowLayout, weight: Span<Float>, bias: Span<Float>, epsilon: Float,
  into out: inout MutableSpan<Float>, _ outLayout: RowLayout
) {
  precondition(layout.hasShape(of: outLayout), "layerNorm: shapes")
  // Safe: `address` checked every extent; the kernel reads a row before it writes it.
  unsafe out.address(needing: outLayout.extent) { out in
    unsafe x.address(needing: layout.extent) { x in
      unsafe weight.address(needing: layout.columns) { weight in
        unsafe bias.address(needing: layout.columns) { bias in
          unsafe hh_layer_norm_forward(
            layout.rows, layout.columns, x, layout.stride, weight, bias, epsilon, out,
            outLayout.stride)
        }
      }
    }
  }
}

/// out = x / √(mean of x² + epsilon) · weight, row by row. `out` may be `x`.
package func rmsNorm(
  _ x: Span<Float>, _ layout: RowLayout, weight: Span<Float>, epsilon: Float,
  into out: inout MutableSpan<Float>, _ outLayout: RowLayout
) {
  precondition(layout.hasShape(of: outLayout), "rmsNorm: shapes")
  // Safe: `address` checked every extent; the kernel reads a row before it writes it.
  unsafe out.address(needing: outLayout.extent) { out in
    unsafe x.address(needing: layout.extent) { x in
      unsafe weight.address(needing: layout.columns) { weight in
        unsafe hh_rms_norm_forward(
          layout.rows, layout.columns, x, layout.stride, weight, epsilon, out, outLayout.stride)
      }
    }
  }
}
