// What a model is given: rows of token ids, or images.

package import HHCompute

/// A batch of inputs of one length.
package enum ModelInput: Sendable {
  case tokens(TokenBatch)
  /// Normalised pixels, [images, channels × height × width].
  case images(Matrix)

  /// Number of sequences or images.
  package var rowCount: Int {
    switch self {
    case .tokens(let batch): batch.rowCount
    case .images(let pixels): pixels.rows
    }
  }

  /// The rows of a range.
  package func rows(_ range: Range<Int>) -> ModelInput {
    switch self {
    case .tokens(let batch): .tokens(batch.rows(range))
    case .images(let pixels): .images(pixels.rows(range))
    }
  }
}
