// Products of a few rows against sums in double precision.

import HHFormat
import HHKernels
import HHTestSupport
import Testing

@Suite("Few-rows kernel")
struct FewRowsTests {
  /// Weights of every column count, with rows apart, as their bytes behind one odd byte, and the
  /// values that these bytes stand for.
  private func weights(
    _ rows: Int, _ columns: Int, _ format: WeightFormat, _ samples: inout Samples
  ) -> (bytes: [UInt8], layout: RowLayout, values: [[Double]]) {
    let layout = RowLayout(rows: rows, columns: columns, stride: columns + 3)
    let values = samples.values(rows * layout.stride)
    let type: DType =
      switch format {
      case .float32: .f32
      case .float16: .f16
      case .bfloat16: .bf16
      }
    guard let bytes = type.store(values.span) else { return ([], layout, []) }
    var stored = [Float](repeating: 0, count: values.count)
    var span = stored.mutableSpan
    _ = type.convert(bytes.raw, to: &span)
    return (
      [0xFF] + bytes, layout,
      (0..<rows).map { row in
        (0..<columns).map { Double(stored[row * layout.stride + $0]) }
      }
    )
  }

  static let sizes =
    counts.map { ($0, 3) } + counts.map { (5, $0) } + [(1030, 5), (130, 1030), (515, 129)]

  @Test(
    "sums are those of the stored weights, either way, for every format",
    arguments: [WeightFormat.float32, .float16, .bfloat16], [true, false])
  func products(_ format: WeightFormat, transposed: Bool) {
    for (index, (inputs, outputs)) in Self.sizes.enumerated() {
      var samples = Samples(seed: UInt64(index))
      let rows = 1 + index % 5
      let weight =
        transposed
        ? weights(outputs, inputs, format, &samples) : weights(inputs, outputs, format, &samples)
      let x = Grid(rows: rows, columns: inputs, &samples)
      var y = Grid(rows: rows, columns: outputs)
      y.change {
        fewRowsProduct(
          x.span, x.layout, weight: weight.bytes.raw.extracting(1...), weight.layout, format,
          transposed: transposed, into: &$0, $1)
      }
      let w = weight.values
      let expected = x.rows.flatMap { row in
        (0..<outputs).map { output in
          row.indices.reduce(0.0) {
            $0 + row[$1] * (transposed ? w[output][$1] : w[$1][output])
          }
        }
      }
      expectClose(y.values, expected, "\(inputs) inputs, \(outputs) outputs")
      #expect(y.isIntact)
    }
  }

  @Test("a row's sums do not depend on the rows beside it", arguments: [true, false])
  func independence(transposed: Bool) {
    var samples = Samples(seed: 8)
    let weight = weights(129, 129, .bfloat16, &samples)
    let x = Grid(rows: 6, columns: 129, &samples)
    var (together, alone) = (Grid(rows: 6, columns: 129), Grid(rows: 1, columns: 129))
    together.change {
      fewRowsProduct(
        x.span, x.layout, weight: weight.bytes.raw.extracting(1...), weight.layout, .bfloat16,
        transposed: transposed, into: &$0, $1)
    }
    for row in 0..<6 {
      let one = RowLayout(rows: 1, columns: 129, stride: 129)
      alone.change {
        fewRowsProduct(
          x.span.extracting((row * x.layout.stride)...), one,
          weight: weight.bytes.raw.extracting(1...), weight.layout, .bfloat16,
          transposed: transposed, into: &$0, $1)
      }
      #expect(alone.values == Array(together.values[row * 129..<(row + 1) * 129]))
    }
  }

  @Test("weights that end too early stop the program")
  func tooShort() async {
    await #expect(processExitsWith: .failure) {
      let x = Grid(rows: 1, columns: 4)
      var y = Grid(rows: 1, columns: 2)
      y.change {
        fewRowsProduct(
          x.span, x.layout, weight: [UInt8](repeating: 0, count: 15).raw,
          RowLayout(rows: 2, columns: 4, stride: 4), .float16, transposed: true, into: &$0, $1)
      }
    }
  }
}
