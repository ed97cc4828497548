// What verify accepts and what it refuses.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHAnalysis
@testable import HHData

@Suite("Verification")
struct VerificationTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("the golden checkpoints are whole", arguments: Models.golden)
  func checkpoints(_ name: String) throws {
    let path = Fixtures.path("golden/forward/\(name)")
    let verification = try Verification(of: path, threads: 1)
    let checkpoint = try Checkpoint(opening: path)
    #expect(verification.tensorCount == checkpoint.tensors.count)
    #expect(verification.byteCount == checkpoint.byteCount)
    #expect(verification.checks == "header, names, shapes, finite weights")
  }

  private func error(of path: String) throws -> FormatError {
    try #require(throws: FormatError.self) { try Verification(of: path, threads: 1) }
  }

  @Test("a weight that is no number is found by its tensor and element")
  func nonFinite() throws {
    let source = try Checkpoint(opening: Fixtures.path("golden/forward/gpt2-base"))
    let name = "transformer.h.1.mlp.c_fc.bias"
    let bias = try #require(source[name])
    var bytes = try readBytes(at: Fixtures.path("golden/forward/gpt2-base/model.safetensors"))
    // The exponent's bits of element 7 of a little-endian float32.
    let place = bias.byteRange.lowerBound + 4 * 7
    bytes[place + 2] = 0xFF
    bytes[place + 3] = 0x7F
    let path = try directory.write(bytes, to: "model.safetensors")
    let configuration = Fixtures.path("golden/forward/gpt2-base/config.json")
    try directory.write(try readBytes(at: configuration), to: "config.json")
    let error = try error(of: path)
    #expect(error.place == "tensor '\(name)'")
    #expect(error.problem == "expected finite weights, found one that is not at element 7")
  }

  // MARK: Artifacts

  private static let golden = "llama-gqa"

  /// Writes an artifact of the golden model with fresh maps, after a change to its tensors.
  private func artifact(
    _ change: (inout [ArtifactTensor]) -> Void = { _ in }
  ) throws -> String {
    let path = directory.path("model.hedgehog.safetensors.zst")
    try Artifacts.write(Self.golden, to: path, change: change)
    return path
  }

  private static func map(_ name: String, _ shape: [Int]) -> ArtifactTensor {
    ArtifactTensor(
      name: name, shape: shape, origin: .new,
      floats: Array(repeating: 0.5, count: shape.reduce(1, *)))
  }

  @Test("an artifact with a map for every block is whole")
  func whole() throws {
    let verification = try Verification(of: try artifact(), threads: 2)
    let source = try Checkpoint(opening: Fixtures.path("golden/forward/\(Self.golden)"))
    #expect(verification.tensorCount == source.tensors.count + 8)
    #expect(verification.checks.description.contains("digests"))
  }

  @Test("a map that is missing, misshapen, of no block, or a source tensor gone")
  func defects() throws {
    let bias = "layers.1.attention.feature_map.key.bias"
    let missing = try artifact { $0.removeAll { $0.name == bias } }
    #expect(try error(of: missing).place == "tensor '\(bias)'")
    #expect(try error(of: missing).problem.hasPrefix("missing: expected a feature map"))
    let shape = try artifact {
      $0.removeAll { $0.name == bias }
      $0.append(Self.map(bias, [2, 7]))
    }
    #expect(try error(of: shape).problem == "wrong shape: expected [2, 6], found [2, 7]")
    let stray = "layers.2.attention.feature_map.key.bias"
    let unexpected = try artifact { $0.append(Self.map(stray, [2, 6])) }
    #expect(try error(of: unexpected).place == "tensor '\(stray)'")
    #expect(try error(of: unexpected).problem.hasPrefix("unexpected: "))
    let gone = try artifact { $0.removeAll { $0.name == "model.norm.weight" } }
    #expect(try error(of: gone).place == "tensor 'model.norm.weight'")
  }
}
