// Products of a few rows with weights of 32 or 16 bits: spans in, spans out, every count checked.

internal import CHHKernels

/// How the weights of a product are stored.
package enum WeightFormat: Sendable {
  /// IEEE 754 binary32.
  case float32
  /// IEEE 754 binary16.
  case float16
  /// The upper half of a float32.
  case bfloat16

  /// Bytes of a weight.
  package var byteCount: Int { self == .float32 ? 4 : 2 }

  fileprivate var code: Int32 {
    switch self {
    case .float32: Int32(HH_WEIGHT_FLOAT32)
    case .float16: Int32(HH_WEIGHT_FLOAT16)
    case .bfloat16: Int32(HH_WEIGHT_BFLOAT16)
    }
  }
}

/// y = x op(W) for a few rows: x (rows, inputs), W as `weightLayout` says, (outputs, inputs) where
/// `transposed` and (inputs, outputs) otherwise, y (rows, outputs). A row's sums depend on that row
/// and on W alone.
package func fewRowsProduct(
  _ x: Span<Float>, _ layout: RowLayout, weight: RawSpan, _ weightLayout: RowLayout,
  _ format: WeightFormat, transposed: Bool, into y: inout MutableSpan<Float>, _ target: RowLayout
) {
  let (inputs, outputs) =
    transposed
    ? (weightLayout.columns, weightLayout.rows) : (weightLayout.rows, weightLayout.columns)
  precondition(
    target.rows == layout.rows && layout.columns == inputs && target.columns == outputs
      && weight.byteCount >= format.byteCount * weightLayout.extent,
    "fewRowsProduct: as many rows, and weights of every input and output")
  let product = unsafe transposed ? hh_few_rows_by_outputs : hh_few_rows_by_inputs
  // Safe: `address` and the lines above checked every extent.
  unsafe x.address(needing: layout.extent) { x in
    unsafe y.address(needing: target.extent) { y in
      unsafe weight.withUnsafeBytes { weight in
        unsafe product(
          layout.rows, inputs, outputs, x, layout.stride, weight.baseAddress, weightLayout.stride,
          format.code, y, target.stride)
      }
    }
  }
}
