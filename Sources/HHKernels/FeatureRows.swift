// What feature maps are made of, row by row: spans in, spans out, every count checked.

internal import CHHKernels

/// Floats of scratch space for `project` and `projectBackward`.
package func projectionScratch(rows: Int, inputs: Int, outputs: Int) -> Int {
  hh_project_scratch(rows, inputs, outputs)
}

/// y (rows, outputs) = x W + b, W (inputs, outputs); an empty `bias` stands for none.
package func project(
  _ x: Span<Float>, _ layout: RowLayout, weight: Span<Float>, bias: Span<Float>, outputs: Int,
  into y: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
) {
  let needed = projectionScratch(rows: layout.rows, inputs: layout.columns, outputs: outputs)
  precondition(bias.isEmpty || bias.count == outputs, "project: one bias per output")
  // Safe: `address` and the line above checked every extent.
  unsafe scratch.address(needing: needed) { scratch in
    unsafe y.address(needing: layout.rows * outputs) { y in
      unsafe x.address(needing: layout.extent) { x in
        unsafe weight.address(needing: layout.columns * outputs) { weight in
          unsafe bias.withUnsafeBufferPointer { bias in
            unsafe hh_project(
              layout.rows, layout.columns, outputs, x, layout.stride, weight,
              bias.isEmpty ? nil : bias.baseAddress, y, scratch)
          }
        }
      }
    }
  }
}

/// dW += xᵀ dy, unless `dWeight` is empty, and dx += dy Wᵀ, unless `dX` is empty.
package func projectBackward(
  _ x: Span<Float>, _ layout: RowLayout, weight: Span<Float>, dY: Span<Float>, outputs: Int,
  dWeight: inout MutableSpan<Float>, dX: inout MutableSpan<Float>, dXStride: Int,
  scratch: inout MutableSpan<Float>
) {
  let (rows, inputs) = (layout.rows, layout.columns)
  let needed = projectionScratch(rows: rows, inputs: inputs, outputs: outputs)
  let target = RowLayout(rows: rows, columns: inputs, stride: dXStride)
  precondition(
    dWeight.isEmpty || dWeight.count >= inputs * outputs, "projectBackward: dW is (inputs, outputs)"
  )
  precondition(dX.isEmpty || dX.count >= target.extent, "projectBackward: dx is as x")
  // Safe: `address` and the lines above checked every extent.
  unsafe scratch.address(needing: needed) { scratch in
    unsafe x.address(needing: layout.extent) { x in
      unsafe weight.address(needing: inputs * outputs) { weight in
        unsafe dY.address(needing: rows * outputs) { dY in
          unsafe dWeight.withUnsafeMutableBufferPointer { dWeight in
            unsafe dX.withUnsafeMutableBufferPointer { dX in
              unsafe hh_project_backward(
                rows, inputs, outputs, x, layout.stride, weight, dY,
                dWeight.isEmpty ? nil : dWeight.baseAddress, dX.isEmpty ? nil : dX.baseAddress,
                dXStride, scratch)
            }
          }
        }
      }
    }
  }
}

/// Every row of `x` (rows, columns) becomes exp(x − its largest), and its scale that largest.
package func exponentialRows(
  _ x: inout MutableSpan<Float>, rows: Int, columns: Int, scales: inout MutableSpan<Float>
) {
  // Safe: `address` checked both extents.
  unsafe scales.address(needing: rows) { scales in
    unsafe x.address(needing: rows * columns) {
      unsafe hh_exponential_rows(rows, columns, $0, scales)
    }
  }
}

/// Every row of `x` (rows, columns) becomes its softmax.
package func softmaxRows(_ x: inout MutableSpan<Float>, rows: Int, columns: Int) {
  // Safe: `address` checked the extent.
  unsafe x.address(needing: rows * columns) { unsafe hh_softmax_rows(rows, columns, $0) }
}

/// The gradient of a softmax's output p becomes that of its input: p (dp − Σ p dp), row by row.
package func softmaxRowsBackward(
  _ p: Span<Float>, rows: Int, columns: Int, gradient: inout MutableSpan<Float>
) {
  // Safe: `address` checked both extents; the kernel may write over what it read.
  unsafe gradient.address(needing: rows * columns) { gradient in
    unsafe p.address(needing: rows * columns) {
      unsafe hh_softmax_rows_backward(rows, columns, $0, gradient, gradient)
    }
  }
}

/// Floats of scratch space for `softmaxPairs`.
package func softmaxPairsScratch(inputs: Int, outputs: Int) -> Int {
  hh_softmax_pairs_scratch(inputs, outputs)
}

/// φ (rows, 2 outputs) = [softmax(u), softmax(−u)], u = x W + b as in `project`.
package func softmaxPairs(
  _ x: Span<Float>, _ layout: RowLayout, weight: Span<Float>, bias: Span<Float>, outputs: Int,
  into phi: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
) {
  precondition(bias.isEmpty || bias.count == outputs, "softmaxPairs: one bias per output")
  let needed = softmaxPairsScratch(inputs: layout.columns, outputs: outputs)
  // Safe: `address` and the lines above checked every extent.
  unsafe scratch.address(needing: needed) { scratch in
    unsafe phi.address(needing: 2 * layout.rows * outputs) { phi in
      unsafe x.address(needing: layout.extent) { x in
        unsafe weight.address(needing: layout.columns * outputs) { weight in
          unsafe bias.withUnsafeBufferPointer { bias in
            unsafe hh_softmax_pairs(
              layout.rows, layout.columns, outputs, x, layout.stride, weight,
              bias.isEmpty ? nil : bias.baseAddress, phi, scratch)
          }
        }
      }
    }
  }
}

/// The gradient of u (rows, columns), given what `softmaxPairs` wrote and its gradient.
package func softmaxPairsBackward(
  _ phi: Span<Float>, dPhi: Span<Float>, rows: Int, columns: Int, into dU: inout MutableSpan<Float>
) {
  // Safe: `address` checked every extent.
  unsafe dU.address(needing: rows * columns) { dU in
    unsafe phi.address(needing: 2 * rows * columns) { phi in
      unsafe dPhi.address(needing: 2 * rows * columns) {
        unsafe hh_softmax_pairs_backward(rows, columns, phi, $0, dU)
      }
    }
  }
}
