// Scratch matrices that are reused from call to call instead of allocated.

package import HHCompute

/// Named scratch memory; a matrix is valid until the next one of the same name is asked for.
///
/// Not safe to share between threads.
package final class Workspace {
  /// What a scratch matrix holds; different names never overlap.
  package enum Name: Hashable {
    case normed, queryKeyValue, query, key, value, mixed, sublayer, inner, gate, patches, head,
      first
    /// A linear map's weights, widened.
    case weight
    case logits
    // Of training: gradients, and what losses are computed from.
    case gradientA, gradientB, gradientC, gradientInner, patchGradient
    case adapterInput, adapterGradient
    case lossRows, lossGradient, headActivated, headNormed, headGradient
    case teacherStates, teacherRows, teacherLogits
  }

  /// Scratch memory that holds nothing yet.
  package init() {}

  private var buffers: [Name: FloatBuffer] = [:]

  /// A matrix with undefined content.
  package func matrix(_ name: Name, rows: Int, columns: Int) -> Matrix {
    let count = rows * columns
    if let buffer = buffers[name], buffer.count >= count {
      return Matrix(buffer, rows: rows, columns: columns)
    }
    let buffer = FloatBuffer(count: count)
    buffers[name] = buffer
    return Matrix(buffer, rows: rows, columns: columns)
  }
}
