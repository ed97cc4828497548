// Clipping of gradients by their joint norm.

internal import HHKernels

/// Euclidean norm of all elements of all buffers, in double precision and in a fixed order.
package func norm(_ buffers: [FloatBuffer]) -> Double {
  buffers.reduce(0.0) { $0 + sumOfSquares($1.span) }.squareRoot()
}

/// The factor that brings gradients of norm `norm` down to `limit`, 1 if they are within it;
/// as PyTorch's clip_grad_norm_.
package func clippingScale(norm: Double, limit: Double) -> Double {
  min(1, limit / (norm + 1e-6))
}
