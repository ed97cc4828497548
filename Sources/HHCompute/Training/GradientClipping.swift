// Clipping of gradients by their joint norm.

internal import HHKernels
internal import Synchronization

/// Elements whose squares are added up at a time: the order does not depend on threads.
private let block = 1 << 18

/// Euclidean norm of all elements of all buffers, in double precision and in a fixed order.
package func norm(_ buffers: [FloatBuffer]) -> Double {
  buffers.reduce(0.0) { sum, buffer in
    guard buffer.count > block else { return sum + sumOfSquares(buffer.span) }
    let parts = Mutex([Double](repeating: 0, count: (buffer.count + block - 1) / block))
    parallelFor(count: buffer.count, grain: block) { range, _ in
      let part = sumOfSquares(buffer.span(range))
      parts.withLock { $0[range.lowerBound / block] = part }
    }
    return sum + parts.withLock { $0.reduce(0, +) }
  }.squareRoot()
}

/// The factor that brings gradients of norm `norm` down to `limit`, 1 if they are within it;
/// as PyTorch's clip_grad_norm_.
package func clippingScale(norm: Double, limit: Double) -> Double {
  min(1, limit / (norm + 1e-6))
}
