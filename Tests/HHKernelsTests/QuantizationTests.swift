// Quantisation, bit for bit as gguf-py does it, or within the error of ggml's own search.

import HHFormat
import HHKernels
import HHTestSupport
import Testing

@Suite("Quantisation kernels")
struct QuantizationTests {
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
    #expect(encode(values, type) == expected)
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

  @Test("any number of blocks gives the blocks' own bytes", arguments: exact + searched)
  func everyCount(_ type: GGMLType) throws {
    var samples = Samples(seed: 29)
    let size = type.elementsPerBlock
    let values = samples.values(4 * size)
    let whole = try #require(encode(values, type))
    for count in 0...4 {
      #expect(
        encode(Array(values.prefix(count * size)), type)
          == Array(whole.prefix(count * type.bytesPerBlock)))
    }
    #expect(encode(Array(values.suffix(size)), type) == Array(whole.suffix(type.bytesPerBlock)))
  }

  @Test("a type without an encoder gives nothing")
  func unknown() throws {
    let type = try #require(GGMLType.allCases.first { !GGMLType.writable.contains($0) })
    #expect(type.encode([Float](repeating: 1, count: type.elementsPerBlock).span) == nil)
  }

  @Test("the first value beyond a limit is found wherever it lies", arguments: counts)
  func limits(count: Int) {
    for bad: Float in [2.5, -2.5, .infinity, .nan] {
      for index in 0...count {
        let values = (0..<count).map { $0 < index ? ($0.isMultiple(of: 2) ? 2 : -2) : bad }
        #expect(firstElement(in: values.span, beyond: 2) == (index < count ? index : nil))
      }
    }
  }

  @Test("part of a block and too short an output stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) { quantize(31, to: 34) }
    await #expect(processExitsWith: .failure) { quantize(32, to: 33) }
  }

  private func encode(_ values: [Float], _ type: GGMLType) -> [UInt8]? {
    type.encode(values.span)
  }

  private func roundTrip(_ values: [Float], _ type: GGMLType) throws -> [Float] {
    let blocks = try #require(encode(values, type))
    var decoded = [Float](repeating: .nan, count: values.count)
    decoded.change { type.dequantize(blocks.raw, to: &$0) }
    return decoded
  }
}

/// Encodes zeros as Q8_0, of which a block has 32 elements and 34 bytes.
private func quantize(_ count: Int, to bytes: Int) {
  guard let format = BlockFormat.all.first(where: { $0.name == "Q8_0" }) else { return }
  var output = [UInt8](repeating: 0, count: bytes)
  var span = output.mutableSpan
  format.encode([Float](repeating: 0, count: count).span, to: &span)
}
