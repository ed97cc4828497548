// A linear map's weight as its graph stores it.

package import HHCompute

extension LinearWeight {
  /// A buffer as the weight of a linear map, stored as the map says.
  package init(_ linear: Linear, in buffer: FloatBuffer) {
    self.init(
      linear.isInputMajor
        ? Matrix(buffer, rows: linear.inputs, columns: linear.outputs)
        : Matrix(buffer, rows: linear.outputs, columns: linear.inputs),
      isInputMajor: linear.isInputMajor)
  }
}
