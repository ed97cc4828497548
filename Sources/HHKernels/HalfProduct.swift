// Products of a few rows with 16-bit weights: spans in, spans out, every count checked.

internal import CHHKernels

/// y = x Wᵀ for some outputs: x (rows, inputs), `weight` (outputs, inputs) without gaps as float16 or
/// bfloat16 bits, y (rows, outputs).
package func halfProductRows(
  _ x: Span<Float>, _ layout: RowLayout, weight: RawSpan, isBF16: Bool,
  into y: inout MutableSpan<Float>, _ target: RowLayout
) {
  let (inputs, outputs) = (layout.columns, target.columns)
  precondition(
    target.rows == layout.rows && weight.byteCount >= 2 * inputs * outputs,
    "halfProductRows: as many rows, and weights of every input and output")
  // Safe: `address` and the line above checked every extent.
  unsafe x.address(needing: layout.extent) { x in
    unsafe y.address(needing: target.extent) { y in
      unsafe weight.withUnsafeBytes { weight in
        unsafe hh_half_product_rows(
          layout.rows, inputs, outputs, x, layout.stride, weight.baseAddress, isBF16 ? 1 : 0, y,
          target.stride)
      }
    }
  }
}

/// y = x W for some outputs: x (rows, inputs), `weight` (inputs, outputs) as float16 or bfloat16 bits
/// with its rows laid out by `weightLayout`, y (rows, outputs).
package func halfProductColumns(
  _ x: Span<Float>, _ layout: RowLayout, weight: RawSpan, _ weightLayout: RowLayout,
  isBF16: Bool, into y: inout MutableSpan<Float>, _ target: RowLayout
) {
  precondition(
    target.rows == layout.rows && weightLayout.rows == layout.columns
      && weightLayout.columns == target.columns && weight.byteCount >= 2 * weightLayout.extent,
    "halfProductColumns: as many rows, and weights of every input and output")
  // Safe: `address` and the line above checked every extent.
  unsafe x.address(needing: layout.extent) { x in
    unsafe y.address(needing: target.extent) { y in
      unsafe weight.withUnsafeBytes { weight in
        unsafe hh_half_product_columns(
          layout.rows, layout.columns, target.columns, x, layout.stride, weight.baseAddress,
          weightLayout.stride, isBF16 ? 1 : 0, y, target.stride)
      }
    }
  }
}
