// Whether values are numbers.

internal import HHKernels

extension FloatBuffer {
  /// Whether no element is NaN or infinite.
  package var isFinite: Bool { firstElement(in: span, beyond: .greatestFiniteMagnitude) == nil }
}

extension Matrix {
  /// Whether no element is NaN or infinite.
  package var isFinite: Bool {
    (0..<rows).allSatisfy { row in
      let start = offset + row * stride
      let values = buffer.span(start..<start + columns)
      return firstElement(in: values, beyond: .greatestFiniteMagnitude) == nil
    }
  }
}
