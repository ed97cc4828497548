// Backward passes of layers, and losses: spans in, spans out, every count checked.

internal import CHHKernels

// MARK: Elementwise

/// `x`, the function's inputs, becomes its outputs, and `gradient` that of the inputs.
package func applyBackward(
  _ function: ElementwiseFunction, _ x: inout MutableSpan<Float>, _ layout: RowLayout,
  gradient: inout MutableSpan<Float>, _ gradientLayout: RowLayout
) {
  precondition(layout.hasShape(of: gradientLayout), "applyBackward: shapes")
  // Safe: `address` checked both extents.
  unsafe x.address(needing: layout.extent) { x in
    unsafe gradient.address(needing: gradientLayout.extent) { gradient in
      unsafe hh_activate_backward(
        function.code, layout.rows, layout.columns, x, layout.stride, gradient,
        gradientLayout.stride)
    }
  }
}

/// Of out = silu(gate) · up: `gate` and `up` become their gradients, `gradient` becomes out.
package func siluMultiplyBackward(
  gate: inout MutableSpan<Float>, _ layout: RowLayout, up: inout MutableSpan<Float>,
  _ upLayout: RowLayout, gradient: inout MutableSpan<Float>, _ gradientLayout: RowLayout
) {
  precondition(
    layout.hasShape(of: upLayout) && layout.hasShape(of: gradientLayout),
    "siluMultiplyBackward: shapes")
  // Safe: `address` checked every extent.
  unsafe gate.address(needing: layout.extent) { gate in
    unsafe up.address(needing: upLayout.extent) { up in
      unsafe gradient.address(needing: gradientLayout.extent) { gradient in
        unsafe hh_silu_multiply_backward(
          layout.rows, layout.columns, gate, layout.stride, up, upLayout.stride, gradient,
          gradientLayout.stride)
      }
    }
  }
}

/// sums += the sum of every column.
package func addColumnSums(
  of x: Span<Float>, _ layout: RowLayout, to sums: inout MutableSpan<Float>
) {
  // Safe: `address` checked both extents.
  unsafe sums.address(needing: layout.columns) { sums in
    unsafe x.address(needing: layout.extent) { x in
      unsafe hh_column_sums(layout.rows, layout.columns, x, layout.stride, sums)
    }
  }
}

/// Row ids[i] of `table` += row i of `x`.
package func scatterRows(
  _ x: Span<Float>, _ layout: RowLayout, ids: Span<Int32>, to table: inout MutableSpan<Float>,
  _ tableLayout: RowLayout
) {
  precondition(
    ids.count == layout.rows && layout.columns == tableLayout.columns, "scatterRows: shapes")
  for index in ids.indices {
    precondition(
      0 <= ids[index] && Int(ids[index]) < tableLayout.rows, "scatterRows: id outside the table")
  }
  // Safe: `address` checked both extents, the loop above every row of the table.
  unsafe table.address(needing: tableLayout.extent) { table in
    unsafe x.address(needing: layout.extent) { x in
      unsafe ids.withUnsafeBufferPointer { ids in
        unsafe hh_scatter_rows(
          layout.rows, layout.columns, x, layout.stride, ids.baseAddress, table,
          tableLayout.stride)
      }
    }
  }
}

// MARK: Normalisation

/// The gradient of layer norm's input, which may overwrite `dOut`. The gradients of weight and then
/// bias are added to `dParameters`, unless it is empty.
package func layerNormBackward(
  _ x: Span<Float>, _ layout: RowLayout, weight: Span<Float>, epsilon: Float, dOut: Span<Float>,
  _ dOutLayout: RowLayout, into dX: inout MutableSpan<Float>, _ dXLayout: RowLayout,
  dParameters: inout MutableSpan<Float>
) {
  unsafe normBackward(
    x, layout, weight, dOut, dOutLayout, &dX, dXLayout, &dParameters, parameterRows: 2
  ) { x, weight, dOut, dX, dWeight in
    let dBias = unsafe dWeight.map { unsafe $0 + layout.columns }
    unsafe hh_layer_norm_backward(
      layout.rows, layout.columns, x, layout.stride, weight, epsilon, dOut, dOutLayout.stride, dX,
      dXLayout.stride, dWeight, dBias)
  }
}

/// As `layerNormBackward`, of root-mean-square norm, which has a weight and no bias.
package func rmsNormBackward(
  _ x: Span<Float>, _ layout: RowLayout, weight: Span<Float>, epsilon: Float, dOut: Span<Float>,
  _ dOutLayout: RowLayout, into dX: inout MutableSpan<Float>, _ dXLayout: RowLayout,
  dParameters: inout MutableSpan<Float>
) {
  unsafe normBackward(
    x, layout, weight, dOut, dOutLayout, &dX, dXLayout, &dParameters, parameterRows: 1
  ) { x, weight, dOut, dX, dWeight in
    unsafe hh_rms_norm_backward(
      layout.rows, layout.columns, x, layout.stride, weight, epsilon, dOut, dOutLayout.stride, dX,
      dXLayout.stride, dWeight)
  }
}

/// Checks the extents and runs `kernel` on x, weight, dOut, dX and the parameters' gradients.
private func normBackward(
  _ x: Span<Float>, _ layout: RowLayout, _ weight: Span<Float>, _ dOut: Span<Float>,
  _ dOutLayout: RowLayout, _ dX: inout MutableSpan<Float>, _ dXLayout: RowLayout,
  _ dParameters: inout MutableSpan<Float>, parameterRows: Int,
  _ kernel: (
    UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>,
    UnsafeMutablePointer<Float>?
  ) -> Void
) {
  precondition(
    layout.hasShape(of: dOutLayout) && layout.hasShape(of: dXLayout), "normBackward: shapes")
  precondition(
    dParameters.isEmpty || dParameters.count == parameterRows * layout.columns,
    "normBackward: parameters")
  // Safe: `address` checked every extent; the kernels read a row before they write it.
  unsafe dX.address(needing: dXLayout.extent) { dX in
    unsafe x.address(needing: layout.extent) { x in
      unsafe weight.address(needing: layout.columns) { weight in
        unsafe dOut.address(needing: dOutLayout.extent) { dOut in
          unsafe dParameters.withUnsafeMutableBufferPointer { parameters in
            unsafe kernel(x, weight, dOut, dX, parameters.isEmpty ? nil : parameters.baseAddress)
          }
        }
      }
    }
  }
}

// MARK: Losses

/// What a loss compares predictions with.
package struct LossTarget: ~Escapable {
  /// Targets of the rows: of the shape of the predictions, or empty where labels say all.
  let values: Span<Float>
  let layout: RowLayout
  /// Labels of the rows, negative where a row does not count.
  let labels: Span<Int32>

  /// Gathers the spans.
  @_lifetime(copy values, copy labels)
  package init(_ values: Span<Float>, _ layout: RowLayout, labels: Span<Int32>) {
    self.values = values
    self.layout = layout
    self.labels = labels
  }
}

/// The losses of rows.
package enum RowLoss: Sendable, Equatable {
  /// −log softmax(x)[label].
  case crossEntropy
  /// T² KL(softmax(target / T) ‖ softmax(x / T)).
  case teacherDivergence(temperature: Float)
  /// Σ (x − target)².
  case squaredError
}

/// losses[i] = the loss of row i; with `gradient` x becomes weight · its gradient.
package func rowLoss(
  _ loss: RowLoss, _ x: inout MutableSpan<Float>, _ layout: RowLayout, _ target: LossTarget,
  weight: Float, gradient: Bool, into losses: inout MutableSpan<Float>
) {
  let (rows, columns, labels) = (layout.rows, layout.columns, target.labels)
  precondition(labels.count == rows && losses.count == rows, "rowLoss: a label and a loss a row")
  if loss == .crossEntropy {
    for row in labels.indices {
      precondition(Int(labels[row]) < columns, "rowLoss: label outside the classes")
    }
  } else {
    precondition(
      target.layout.rows == rows && target.layout.columns == columns
        && target.values.count >= target.layout.extent, "rowLoss: the target's shape")
  }
  let (stride, other, flag) = (layout.stride, target.layout.stride, Int32(gradient ? 1 : 0))
  // Safe: `address` and the lines above checked every extent and label.
  unsafe x.address(needing: layout.extent) { x in
    unsafe losses.address(needing: rows) { losses in
      unsafe labels.withUnsafeBufferPointer { labels in
        unsafe target.values.withUnsafeBufferPointer { values in
          let (labels, values) = (labels.baseAddress, values.baseAddress)
          switch loss {
          case .crossEntropy:
            unsafe hh_cross_entropy(rows, columns, x, stride, labels, weight, flag, losses)
          case .teacherDivergence(let temperature):
            unsafe hh_teacher_divergence(
              rows, columns, x, stride, values, other, labels, temperature, weight, flag, losses)
          case .squaredError:
            unsafe hh_squared_error(
              rows, columns, x, stride, values, other, labels, weight, flag, losses)
          }
        }
      }
    }
  }
}
