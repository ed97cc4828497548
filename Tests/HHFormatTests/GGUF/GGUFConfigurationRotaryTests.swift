// The scaling of rotary positions that metadata and tensors ask for.

import HHFormat
import HHTestSupport
import Testing

@Suite("GGUFConfiguration+Rotary")
struct GGUFConfigurationRotaryTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(
    "rotary scaling is linear unless the file names another type, and 0 and 1 are none",
    arguments: [
      ("linear", 4, nil, 4), (nil, 4, nil, 4), (nil, nil, 4, 4), ("linear", nil, 4, 4),
      (nil, 2, 4, 2), ("none", 4, nil, nil), ("linear", nil, nil, nil), (nil, nil, nil, nil),
      (nil, 0, nil, nil), (nil, 1, nil, nil), ("linear", 0, nil, nil), (nil, 1, 4, nil),
    ] as [(String?, Float?, Float?, Double?)])
  func linearScaling(
    _ type: String?, _ factor: Float?, _ old: Float?, _ expected: Double?
  ) throws {
    var forge = GGUFModelDefect.llama
    if let type { forge.add("llama.rope.scaling.type", type) }
    for (name, value) in [("scaling.factor", factor), ("scale_linear", old)] {
      guard let value else { continue }
      forge.add("llama.rope.\(name)", .float32, forge.integer(value.bitPattern))
    }
    let path = try directory.write(forge.bytes, to: "m.gguf")
    let scaling = try Checkpoint(opening: path).configuration?["rope_scaling"]
    #expect(scaling?["rope_type"]?.string == expected.map { _ in "linear" })
    #expect(scaling?["factor"]?.double == expected)
  }

  @Test(
    "divisors of the frequencies may stand beside keys that ask for no scaling",
    arguments: [("none", 4), ("linear", 1), (nil, 0), ("linear", nil), (nil, nil)]
      as [(String?, Float?)])
  func frequencyFactors(_ type: String?, _ factor: Float?) throws {
    var forge = GGUFModelDefect.llama
    if let type { forge.add("llama.rope.scaling.type", type) }
    if let factor {
      forge.add("llama.rope.scaling.factor", .float32, forge.integer(factor.bitPattern))
    }
    let divisors = [Float(3), 2].flatMap { forge.integer($0.bitPattern) }
    forge.add(tensor: "rope_freqs.weight", .f32, [2], divisors)
    let path = try directory.write(forge.bytes, to: "m.gguf")
    let scaling = try Checkpoint(opening: path).configuration?["rope_scaling"]
    #expect(scaling?["rope_type"]?.string == "frequency_factors")
    #expect(scaling?["factors"]?.array?.compactMap(\.double) == [3, 2])
  }
}
