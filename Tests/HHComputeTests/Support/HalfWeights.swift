// Weights of two bytes for tests.

import HHCompute
import HHKernels
import HHTestSupport

/// Makes matrices of 16-bit floats.
enum HalfWeights {
  /// Some weights as 16-bit floats, and the same values in float32.
  static func make(
    rows: Int, columns: Int, _ format: HalfMatrix.Format
  ) -> (half: HalfMatrix, wide: Matrix) {
    var samples = Samples(seed: 5)
    let values = samples.values(rows * columns)
    var bits = [UInt16](repeating: 0, count: values.count)
    var span = bits.mutableSpan
    switch format {
    case .float16: convertToF16(values.span, to: &span)
    case .bfloat16: convertToBF16(values.span, to: &span)
    }
    var elements = HalfMatrix.Bits(capacity: bits.count)
    // Safe: an integer has no padding.
    unsafe elements.append(bits.span.bytes)
    let half = HalfMatrix(rows: rows, columns: columns, format, bits: elements)
    let wide = Matrix(rows: rows, columns: columns)
    half.widen(into: wide)
    return (half, wide)
  }
}
