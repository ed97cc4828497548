// A model's weights, loaded by role from its checkpoint and released layer by layer.

package import HHCompute
package import HHFormat

/// Weights as 32-bit floats, converted from the mapped checkpoint when first asked for.
///
/// Not safe to share between threads; loading happens between parallel regions.
package final class ParameterStore {
  private let checkpoint: Checkpoint
  private let names: NameMap
  private var loaded: [String: FloatBuffer] = [:]

  /// Serves the weights of a checkpoint under the roles of its name map.
  package init(checkpoint: Checkpoint, names: NameMap) {
    self.checkpoint = checkpoint
    self.names = names
  }

  /// The weights of a role, in the order in which the file stores them.
  package func vector(_ role: String) throws(FormatError) -> FloatBuffer {
    if let buffer = loaded[role] { return buffer }
    guard let entry = names[role] else {
      throw FormatError(
        .badData, file: checkpoint.path, place: "role '\(role)'",
        problem: "expected a tensor for it, found none")
    }
    let buffer = FloatBuffer(count: entry.tensor.elementCount)
    var output = buffer.mutableSpan
    try checkpoint.readFloats(of: entry.tensor.name, into: &output)
    loaded[role] = buffer
    return buffer
  }

  /// The weights of a linear map as a matrix of the extents in which it is stored.
  package func matrix(_ linear: Linear) throws(FormatError) -> Matrix {
    let buffer = try vector(linear.weight)
    return linear.isInputMajor
      ? Matrix(buffer, rows: linear.inputs, columns: linear.outputs)
      : Matrix(buffer, rows: linear.outputs, columns: linear.inputs)
  }

  /// Forgets every weight, so that memory holds one layer at a time.
  package func release() { loaded.removeAll() }
}
