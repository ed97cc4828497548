// u = x W + b, the part that trained maps share.

internal import HHKernels

/// The projection that a trained map begins with.
struct LinearProjection: Sendable {
  /// Columns of W.
  let size: Int
  /// Whether b exists.
  let hasBias: Bool

  /// W [head size, size] and b [size].
  func parameters(headSize: Int) -> [FeatureParameter] {
    [FeatureParameter("weight", shape: [headSize, size])]
      + (hasBias ? [FeatureParameter("bias", shape: [size])] : [])
  }

  /// What the further columns of every W are drawn from.
  private static let seed: UInt64 = 1

  /// The identity as far as it goes, and b = 0. Columns beyond those of the identity are random unit
  /// vectors, orthogonal in blocks: zeros would all be trained alike and stay one feature.
  func initialValues(headSize: Int) -> [[Float]] {
    var weight = [Float](repeating: 0, count: headSize * size)
    for i in 0..<min(headSize, size) { weight[i * size + i] = 1 }
    var normal = NormalSamples(seed: Self.seed)
    var block: [[Double]] = []
    for column in min(headSize, size)..<size {
      if column.isMultiple(of: headSize) { block = [] }
      let direction = normal.direction(size: headSize, orthogonalTo: block)
      block.append(direction)
      for i in 0..<headSize { weight[i * size + column] = Float(direction[i]) }
    }
    return [weight] + (hasBias ? [[Float](repeating: 0, count: size)] : [])
  }

  /// Floats for u and for packing.
  func scratchCount(rows: Int, headSize: Int) -> Int {
    max(
      rows * size + projectionScratch(rows: rows, inputs: headSize, outputs: size),
      softmaxPairsScratch(inputs: headSize, outputs: size))
  }

  /// Stands for a bias that does not exist, and for gradients that nobody asks for.
  private static let none = Matrix(rows: 0, columns: 0)

  /// u [rows, size], in the first part of the scratch space.
  func forward(_ input: FeatureInput) -> Matrix {
    let (x, count) = (input.x, input.x.rows * size)
    let u = Matrix(input.scratch, rows: x.rows, columns: size)
    var target = u.mutableSpan
    var scratch = input.scratch.mutableSpan(count..<input.scratch.count)
    let (weight, bias) = (input.parameters[0], hasBias ? input.parameters[1] : Self.none)
    project(
      x.span, x.layout, weight: weight.span, bias: bias.span, outputs: size, into: &target,
      scratch: &scratch)
    return u
  }

  /// phi = [softmax(u), softmax(−u)], row by row.
  func softmaxPairs(_ input: FeatureInput, into phi: Matrix) {
    let (weight, bias) = (input.parameters[0], hasBias ? input.parameters[1] : Self.none)
    var target = phi.mutableSpan
    var scratch = input.scratch.mutableSpan
    HHKernels.softmaxPairs(
      input.x.span, input.x.layout, weight: weight.span, bias: bias.span, outputs: size,
      into: &target, scratch: &scratch)
  }

  /// Adds the gradients of W, b and x, given that of u [rows, size], dense.
  func backward(_ input: FeatureInput, dU: Matrix, dX: Matrix?, gradients: [Matrix?]) {
    let (x, count) = (input.x, input.x.rows * size)
    var scratch = input.scratch.mutableSpan(count..<input.scratch.count)
    let (weightRow, dXRows) = (input.parameters[0], dX ?? Self.none)
    let dWeight = gradients[0] ?? Self.none
    var dXSpan = dXRows.mutableSpan
    var dWeightSpan = dWeight.mutableSpan
    projectBackward(
      x.span, x.layout, weight: weightRow.span, dY: dU.span, outputs: size,
      dWeight: &dWeightSpan, dX: &dXSpan, dXStride: max(dXRows.stride, x.columns),
      scratch: &scratch)
    if hasBias, let dBias = gradients[1] {
      var span = dBias.mutableSpan
      addColumnSums(of: dU.span, dU.layout, to: &span)
    }
  }
}

/// phi = [factor · u, −factor · u], row by row.
func mirror(_ u: Matrix, factor: Float, into phi: Matrix) {
  let size = u.columns
  forEachRow(u, phi) { _, u, phi in
    for j in 0..<size {
      phi[j] = factor * u[j]
      phi[size + j] = -factor * u[j]
    }
  }
}

/// dU = factor · (the first half of d's columns − the second): the gradient of `mirror`.
func unmirror(_ d: Matrix, factor: Float, into dU: Matrix) {
  let size = dU.columns
  forEachRow(d, dU) { _, d, dU in
    for j in 0..<size { dU[j] = factor * (d[j] - d[size + j]) }
  }
}
