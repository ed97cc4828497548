// Quantisation, bit for bit as gguf-py does it, or within the error of ggml's own search.

import HHFormat
import HHTestSupport
import Testing

@Suite("GGMLType+Quantization")
struct GGMLTypeQuantizationTests {
  static let exact: [GGMLType] = [
    .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .tq1_0, .tq2_0, .mxfp4,
  ]
  static let searched: [GGMLType] = [.q2K, .q3K, .q4K, .q5K, .q6K]

  @Test("values with edge cases give gguf-py's blocks, bit for bit", arguments: exact)
  func equalsReference(_ type: GGMLType) throws {
    let golden = try Checkpoint(opening: Fixtures.path("golden/quantize.safetensors"))
    let expected = try golden.bytes(of: "\(type.name).blocks").copied()
    let all = try GoldenTensors(golden.path).floats("values")
    let values = Array(all.prefix(expected.count / type.bytesPerBlock * type.elementsPerBlock))
    let span = values.span
    let blocks = type.encode(span)
    #expect(blocks == expected)
  }

  /// The relative root mean square error that ggml's own quantiser leaves on the same values
  /// (`quantize_row_*_ref` of ggml d99724f2, built with `-O3`).
  static let reference: [(type: GGMLType, error: Float)] = [
    (.q2K, 0.28843), (.q3K, 0.14528), (.q4K, 0.06880), (.q5K, 0.03476), (.q6K, 0.01697),
  ]

  @Test("K types leave no larger error than ggml's quantiser", arguments: reference)
  func quality(type: GGMLType, error: Float) throws {
    var forge = FileForge(seed: 27)
    // Sums of four uniform values, much like weights.
    let values = (0..<1 << 16).map { _ in
      (0..<4).reduce(Float(0)) { sum, _ in sum + Float(forge.next() >> 40) / 0x1p23 - 1 }
    }
    let decoded = try roundTrip(values, type)
    let squares = zip(values, decoded).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let total = values.reduce(Float(0)) { $0 + $1 * $1 }
    #expect((squares / total).squareRoot() <= error)
  }

  @Test("no group of K types is lost, however small the weights", arguments: searched)
  func small(_ type: GGMLType) throws {
    var forge = FileForge(seed: 28)
    for scale: Float in [3e-1, 3e-2, 1e-2, 3e-3, 1e-3, 5e-4] {
      let values = (0..<1 << 14).map { _ in
        (0..<4).reduce(Float(0)) { sum, _ in
          sum + (Float(forge.next() >> 40) / 0x1p23 - 1) * scale
        }
      }
      let decoded = try roundTrip(values, type)
      for group in 0..<values.count / 16 {
        let range = group * 16..<(group + 1) * 16
        let size = values[range].reduce(0) { $0 + $1 * $1 }
        let error = zip(values[range], decoded[range]).reduce(0) {
          $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
        }
        #expect(error < size / 2, "group \(group) at \(scale)")
      }
    }
  }

  @Test("K types keep zeros, single values, spikes and tiny values", arguments: searched)
  func edges(_ type: GGMLType) throws {
    let golden = try GoldenTensors(Fixtures.path("golden/quantize.safetensors"))
    let values = try golden.floats("values")
    let decoded = try roundTrip(values, type)
    let limit: Float = [.q2K: 0.28, .q3K: 0.15, .q4K: 0.07, .q5K: 0.04][type] ?? 0.02
    for row in 0..<values.count / 256 {
      let range = row * 256..<(row + 1) * 256
      let largest = values[range].map(abs).max() ?? 0
      // Float16 has no fine scales for tiny values, and none at all for the tiniest.
      let tolerance = max(1e-5, largest * limit)
      #expect(maximumDifference(Array(values[range]), Array(decoded[range])) <= tolerance, "\(row)")
    }
  }

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

  private func roundTrip(_ values: [Float], _ type: GGMLType) throws -> [Float] {
    let span = values.span
    let encoded = type.encode(span)
    let blocks = try #require(encoded)
    var decoded = [Float](repeating: .nan, count: values.count)
    var output = decoded.mutableSpan
    type.dequantize(blocks.raw, to: &output)
    return decoded
  }
}
