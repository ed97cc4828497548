// Backward passes of layer normalisation and root-mean-square normalisation.

internal import HHKernels

/// Rows whose parameter gradients are added up before they meet those of other rows.
private let rowBlock = 32

/// The gradient of `layerNorm`'s input: `dX`, which may be `dOut`.
///
/// `dWeight` and `dBias` are added to; both nil where the parameters are frozen. The result does not
/// depend on the number of threads.
package func layerNormBackward(
  _ x: Matrix, weight: FloatBuffer, epsilon: Float, dOut: Matrix, into dX: Matrix,
  dWeight: FloatBuffer?, dBias: FloatBuffer?, scratch: ScratchSpace
) {
  precondition((dWeight == nil) == (dBias == nil), "layerNormBackward: both parameters or none")
  normBackward(
    x, weight: weight, dOut: dOut, into: dX, parameters: [dWeight, dBias].compactMap(\.self),
    scratch: scratch
  ) { x, dOut, dX, parameters in
    var span = dX.mutableSpan
    HHKernels.layerNormBackward(
      x.span, x.layout, weight: weight.span, epsilon: epsilon, dOut: dOut.span, dOut.layout,
      into: &span, dX.layout, dParameters: &parameters)
  }
}

/// The gradient of `rmsNorm`'s input, as `layerNormBackward`.
package func rmsNormBackward(
  _ x: Matrix, weight: FloatBuffer, epsilon: Float, dOut: Matrix, into dX: Matrix,
  dWeight: FloatBuffer?, scratch: ScratchSpace
) {
  normBackward(
    x, weight: weight, dOut: dOut, into: dX, parameters: [dWeight].compactMap(\.self),
    scratch: scratch
  ) { x, dOut, dX, parameters in
    var span = dX.mutableSpan
    HHKernels.rmsNormBackward(
      x.span, x.layout, weight: weight.span, epsilon: epsilon, dOut: dOut.span, dOut.layout,
      into: &span, dX.layout, dParameters: &parameters)
  }
}

/// Runs a kernel over blocks of rows and adds the blocks' parameter gradients up in their order.
private func normBackward(
  _ x: Matrix, weight: FloatBuffer, dOut: Matrix, into dX: Matrix, parameters: [FloatBuffer],
  scratch: ScratchSpace,
  kernel: @Sendable (Matrix, Matrix, Matrix, inout MutableSpan<Float>) -> Void
) {
  precondition(
    x.rows == dOut.rows && x.columns == dOut.columns && x.rows == dX.rows
      && x.columns == dX.columns, "normalisation: shapes differ")
  precondition(
    weight.count == x.columns && parameters.allSatisfy { $0.count == x.columns },
    "normalisation: parameters")
  let width = parameters.count * x.columns
  let blocks = (x.rows + rowBlock - 1) / rowBlock
  let partials = scratch.buffer(count: blocks * width)
  parallelFor(count: blocks) { range, _ in
    for block in range {
      let rows = block * rowBlock..<min(x.rows, (block + 1) * rowBlock)
      var sums = partials.mutableSpan(block * width..<(block + 1) * width)
      sums.update(repeating: 0)
      kernel(x.rows(rows), dOut.rows(rows), dX.rows(rows), &sums)
    }
  }
  for (index, parameter) in parameters.enumerated() {
    let part = Matrix(
      partials, offset: index * x.columns, rows: blocks, columns: x.columns, stride: width)
    addBiasGradient(part, to: parameter)
  }
}
