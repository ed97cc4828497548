import HHTestSupport
import Testing

@testable import HHFormat

@Suite("GGUFLayout+Encoding")
struct GGUFLayoutEncodingTests {
  private func tensor(
    _ shape: [Int], _ dtype: DType, order: GGUFView.Order = .asStored
  ) -> GGUFLayout.Tensor {
    let source = TensorDescriptor(name: "w", dtype: dtype, shape: shape, byteRange: 0..<0)
    return GGUFLayout.Tensor(role: "x", source: source, name: "x", order: order, fixed: 0)
  }

  private func encode(
    _ tensor: GGUFLayout.Tensor, as type: GGMLType, _ bytes: [UInt8]
  ) throws(FormatError) -> [UInt8] {
    var result: [UInt8] = []
    try tensor.encode(as: type, bytes.raw, file: "f") { (piece) throws(FormatError) in
      result += piece.copied()
    }
    return result
  }

  @Test("the same type is copied bit for bit, integers and NaN too")
  func same() throws {
    var forge = FileForge(seed: 3)
    let bytes = forge.bytes(24)
    #expect(try encode(tensor([3, 4], .bf16), as: .bf16, bytes) == bytes)
    #expect(try encode(tensor([3, 2], .i32), as: .i32, bytes) == bytes)
    let turned = try encode(
      tensor([2, 3], .i8, order: .transposed), as: .i8, [0, 1, 2, 3, 4, 5])
    #expect(turned == [0, 3, 1, 4, 2, 5])
  }

  @Test("many bands are one tensor", arguments: [GGMLType.q8_0, .f16, .f32])
  func bands(type: GGMLType) throws {
    var samples = Samples(seed: 4)
    // More than three bands of rows, and the last one shorter.
    let values = samples.values(1024 * 1024 - 1024)
    let stored = DType.f32.store(values.span)
    let bytes = try #require(stored)
    let encoded = try encode(tensor([1023, 1024], .f32), as: type, bytes)
    #expect(encoded == type.encode(values.span))
  }

  @Test(
    "what a type cannot hold is named with its row",
    arguments: [
      (
        GGMLType.f16, Float(1e6), "expected magnitudes below 65520 to store as F16, found 1000000.0"
      ),
      (.q8_0, .infinity, "expected finite values of at most 65504 to store as Q8_0, found inf"),
    ])
  func unstorable(type: GGMLType, value: Float, problem: String) throws {
    var values = [Float](repeating: 1, count: 96)
    values[70] = value
    let stored = DType.f32.store(values.span)
    let bytes = try #require(stored)
    let error = #expect(throws: FormatError.self) {
      try encode(tensor([3, 32], .f32), as: type, bytes)
    }
    #expect(error?.description.hasPrefix("f: tensor 'w': \(problem) in row 2 of its") == true)
    #expect(error?.remedy == "keep the type with \(.dtype, "keep"), or choose f32")
  }

  @Test("integers are not encoded as floats, nor anything as a type without an encoder")
  func unsupported() throws {
    let whole = #expect(throws: FormatError.self) {
      try encode(tensor([32], .i8), as: .q8_0, [UInt8](repeating: 0, count: 32))
    }
    #expect(whole?.problem == "expected F32, F16 or BF16 to store as Q8_0, found I8")
    #expect(!tensor([32], .i8).canBeStored(as: .q8_0) && tensor([32], .i8).canBeStored(as: .i8))
    let readOnly = try #require(GGMLType.allCases.first { $0.name == "IQ2_XS" })
    let other = #expect(throws: FormatError.self) {
      try encode(tensor([256], .f16), as: readOnly, [UInt8](repeating: 0, count: 512))
    }
    #expect(other?.problem == "expected a type that can be written, found IQ2_XS")
  }
}
