// The Hedgehog feature map of one head.

internal import HHKernels

/// φ(x) = [softmax(u), softmax(−u)], u = x W + b: two separate softmaxes.
///
/// Attention and distillation compute it inside their own kernels; this form is for looking at
/// features and for other losses.
package enum FeatureMap {
  /// phi (rows, 2 f) = φ of every row of `x` (rows, d); `weight` is (d, f), `bias` (f).
  package static func forward(
    _ x: Matrix, weight: FloatBuffer, bias: FloatBuffer, into phi: Matrix
  ) {
    let half = bias.count
    check(x, phi, weightCount: weight.count, half: half)
    let scratch = FloatBuffer(
      count: featureMapScratch(rows: x.rows, headSize: x.columns, half: half))
    var phiSpan = phi.mutableSpan
    var scratchSpan = scratch.mutableSpan
    featureMap(
      x.span, x.layout, weight: weight.span, bias: bias.span, half: half, into: &phiSpan,
      scratch: &scratchSpan)
  }

  /// Adds the gradients of W and b to `dWeight` and `dBias`, given φ(x) and its gradient.
  package static func backward(
    _ x: Matrix, phi: Matrix, dPhi: Matrix, dWeight: FloatBuffer, dBias: FloatBuffer
  ) {
    let half = dBias.count
    check(x, phi, weightCount: dWeight.count, half: half)
    check(x, dPhi, weightCount: dWeight.count, half: half)
    let scratch = FloatBuffer(
      count: featureMapScratch(rows: x.rows, headSize: x.columns, half: half))
    var weightSpan = dWeight.mutableSpan
    var biasSpan = dBias.mutableSpan
    var scratchSpan = scratch.mutableSpan
    featureMapBackward(
      x.span, x.layout, phi: phi.span, dPhi: dPhi.span, half: half, dWeight: &weightSpan,
      dBias: &biasSpan, scratch: &scratchSpan)
  }

  private static func check(_ x: Matrix, _ phi: Matrix, weightCount: Int, half: Int) {
    precondition(
      phi.rows == x.rows && phi.columns == 2 * half && phi.stride == phi.columns,
      "FeatureMap: features are dense, (rows, 2 f)")
    precondition(weightCount == x.columns * half, "FeatureMap: W is (d, f)")
  }
}
