// Elementwise functions, sums and dropout.

internal import CHHKernels

/// x += bias, one bias per column.
package func addBias(_ x: inout MutableSpan<Float>, _ layout: RowLayout, bias: Span<Float>) {
  // Safe: `address` checked both extents.
  unsafe x.address(needing: layout.extent) { x in
    unsafe bias.address(needing: layout.columns) { bias in
      unsafe hh_add_bias(layout.rows, layout.columns, x, layout.stride, bias)
    }
  }
}

/// x += y; `y` has the rows and columns of `x` and its own stride.
package func add(
  _ x: inout MutableSpan<Float>, _ layout: RowLayout, _ y: Span<Float>, _ yLayout: RowLayout
) {
  precondition(layout.hasShape(of: yLayout), "add: shapes")
  // Safe: `address` checked both extents.
  unsafe x.address(needing: layout.extent) { x in
    unsafe y.address(needing: yLayout.extent) { y in
      unsafe hh_add(layout.rows, layout.columns, x, layout.stride, y, yLayout.stride)
    }
  }
}

/// x += factor · y for the elements of `x` from `start` on, as many as `y` has: every element is
/// rounded in the same way wherever it lies.
package func addScaled(
  _ y: Span<Float>, factor: Float, to x: inout MutableSpan<Float>, at start: Int
) {
  let count = y.count
  precondition(start >= 0, "addScaled: start")
  // Safe: `address` checked that `x` holds `start + count` elements and `y` `count`.
  unsafe x.address(needing: start + count) { x in
    unsafe y.address(needing: count) { y in unsafe hh_add_scaled(count, x + start, y, factor) }
  }
}

/// The elementwise functions between linear layers.
package enum ElementwiseFunction: String, Sendable, CaseIterable {
  /// x Φ(x), exact.
  case gelu
  /// GELU's tanh approximation.
  case geluTanh
  /// max(x, 0).
  case relu
  /// x / (1 + e⁻ˣ).
  case silu
  /// Hyperbolic tangent.
  case tanh

  var code: Int32 {
    switch self {
    case .gelu: Int32(HH_GELU)
    case .geluTanh: Int32(HH_GELU_TANH)
    case .relu: Int32(HH_RELU)
    case .silu: Int32(HH_SILU)
    case .tanh: Int32(HH_TANH)
    }
  }
}

/// out = function(x); `x` and `out` may be the same memory.
package func apply(
  _ function: ElementwiseFunction, to x: Span<Float>, _ layout: RowLayout,
  into out: inout MutableSpan<Float>, _ outLayout: RowLayout
) {
  precondition(layout.hasShape(of: outLayout), "apply: shapes")
  // Safe: `address` checked both extents; the kernels read an element before they write it.
  unsafe out.address(needing: outLayout.extent) { out in
    unsafe x.address(needing: layout.extent) { x in
      unsafe hh_activate(
        function.code, layout.rows, layout.columns, x, layout.stride, out, outLayout.stride)
    }
  }
}

/// out = silu(gate) · up; `gate` and `out` may be the same memory.
package func siluMultiply(
  _ gate: Span<Float>, _ layout: RowLayout, _ up: Span<Float>, _ upLayout: RowLayout,
  into out: inout MutableSpan<Float>, _ outLayout: RowLayout
) {
  precondition(
    layout.hasShape(of: upLayout) && layout.hasShape(of: outLayout), "siluMultiply: shapes")
  // Safe: `address` checked every extent; the kernel reads an element before it writes it.
  unsafe out.address(needing: outLayout.extent) { out in
    unsafe gate.address(needing: layout.extent) { gate in
      unsafe up.address(needing: upLayout.extent) { up in
        unsafe hh_silu_multiply_forward(
          layout.rows, layout.columns, gate, layout.stride, up, upLayout.stride, out,
          outLayout.stride)
      }
    }
  }
}

/// out = x / (1 − probability), or 0 with that probability; `x` and `out` may be the same memory.
///
/// An element's fate depends on `key` and its index, rows counted from `firstRow`, alone.
package func dropout(
  _ x: Span<Float>, _ layout: RowLayout, firstRow: Int, key: UInt32, probability: Float,
  into out: inout MutableSpan<Float>, _ outLayout: RowLayout
) {
  precondition(layout.hasShape(of: outLayout), "dropout: shapes")
  precondition((0..<1).contains(probability) && firstRow >= 0, "dropout: a probability below 1")
  // Safe: `address` checked both extents; the kernel reads an element before it writes it.
  unsafe out.address(needing: outLayout.extent) { out in
    unsafe x.address(needing: layout.extent) { x in
      unsafe hh_dropout(
        layout.rows, layout.columns, x, layout.stride, firstRow, key, probability, out,
        outLayout.stride)
    }
  }
}
