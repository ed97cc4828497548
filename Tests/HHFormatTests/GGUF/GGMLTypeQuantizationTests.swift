// Which types can be written, and what each of them cannot hold.

import HHFormat
import Testing

@Suite("GGMLType+Quantization")
struct GGMLTypeQuantizationTests {
  @Test("a plain type is converted, another than the writable ones gives nothing")
  func others() {
    let values: [Float] = [1.5, -2, 0, 1]
    let span = values.span
    let halves = GGMLType.f16.encode(span)
    #expect(halves == [0x00, 0x3E, 0x00, 0xC0, 0, 0, 0x00, 0x3C])
    let block = [Float](repeating: 1, count: 256)
    for type in GGMLType.allCases {
      let span = block.span
      let isWritable = type.encode(span) != nil
      #expect(isWritable == GGMLType.writable.contains(type), "\(type)")
    }
  }

  @Test("what a type cannot hold is found")
  func unstorable() {
    func first(_ type: GGMLType, _ values: [Float]) -> Int? {
      type.firstUnstorable(in: values.span)
    }
    #expect(first(.q8_0, [1, 65504, -65505]) == 2)
    #expect(first(.q4K, [1, .nan]) == 1)
    #expect(first(.q4_0, [-.infinity, 1]) == 0)
    #expect(first(.q4_0, []) == nil)
    #expect(first(.f16, [65519, .infinity, .nan]) == nil)
    #expect(first(.f16, [0, -65520]) == 1)
    #expect(first(.bf16, [.greatestFiniteMagnitude, .nan]) == nil)
  }
}
