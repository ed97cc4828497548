// Dequantisation, bit for bit as gguf-py does it.

import HHFormat
import HHKernels
import HHTestSupport
import Testing

@Suite("Dequantisation kernels")
struct DequantizationTests {
  static let quantised = GGMLType.allCases.filter { $0.dtype == nil }

  @Test(
    "blocks with extreme scales give gguf-py's float32 values, bit for bit", arguments: quantised)
  func equalsReference(_ type: GGMLType) throws {
    let golden = try Checkpoint(opening: Fixtures.path("golden/dequantize.safetensors"))
    let blocks = try #require(golden["\(type.name).blocks"])
    let expected = try GoldenTensors(golden.path).floats("\(type.name).values")
    #expect(blocks.shape[1] == type.bytesPerBlock)
    #expect(expected.count == blocks.shape[0] * type.elementsPerBlock)
    let bytes = try golden.bytes(of: blocks.name).copied()
    #expect(values(type, bytes).map(\.bitPattern) == expected.map(\.bitPattern))
  }

  @Test("any number of blocks at any address gives the blocks' own values", arguments: quantised)
  func everyCount(_ type: GGMLType) throws {
    let golden = try Checkpoint(opening: Fixtures.path("golden/dequantize.safetensors"))
    let bytes = try golden.bytes(of: "\(type.name).blocks").copied()
    let whole = values(type, bytes).map(\.bitPattern)
    for count in 0...min(5, bytes.count / type.bytesPerBlock) {
      for shift in 0..<4 {
        let some = [UInt8](repeating: 0xAA, count: shift) + bytes.prefix(count * type.bytesPerBlock)
        #expect(
          values(type, some, from: shift).map(\.bitPattern)
            == Array(whole.prefix(count * type.elementsPerBlock)))
      }
    }
  }

  @Test("part of a block and another count of elements stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) { decode(bytes: 35, elements: 32) }
    await #expect(processExitsWith: .failure) { decode(bytes: 34, elements: 31) }
  }

  private func values(_ type: GGMLType, _ bytes: [UInt8], from start: Int = 0) -> [Float] {
    let count = (bytes.count - start) / type.bytesPerBlock
    var values = [Float](repeating: .nan, count: count * type.elementsPerBlock)
    values.change { type.dequantize(bytes.raw.extracting(start...), to: &$0) }
    return values
  }
}

/// Decodes zeros as Q8_0, of which a block has 32 elements and 34 bytes.
private func decode(bytes: Int, elements: Int) {
  var values = [Float](repeating: 0, count: elements)
  values.change { GGMLType.q8_0.dequantize([UInt8](repeating: 0, count: bytes).raw, to: &$0) }
}
