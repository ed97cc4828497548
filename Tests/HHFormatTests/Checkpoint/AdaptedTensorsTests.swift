// Opening an adapter with its base, and what contradicts it.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("AdaptedTensors")
struct AdaptedTensorsTests {
  private let folder = Fixtures.path("golden/adapters/llama-plain")

  @Test("an adapter alone names its base, and only an adapter or a delta takes one")
  func base() throws {
    let alone = try openingError("\(folder)/adapter")
    #expect(alone.kind == .missingInput && alone.problem.contains("'example/base'"))
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
      #expect(try openingError("\(folder)/adapter/\(name)") == alone)
    }
    let error = #expect(throws: FormatError.self) {
      try Checkpoint(opening: "\(folder)/base", base: "\(folder)/base")
    }
    #expect(error?.problem.hasPrefix("expected a delta artifact or a PEFT adapter") == true)
  }

  @Test("what the adapter leaves alone is the base's, and what it changes reads the same in pieces")
  func pieces() throws {
    let base = try Checkpoint(opening: "\(folder)/base")
    let merged = try Checkpoint(opening: "\(folder)/adapter", base: "\(folder)/base")
    #expect(merged.tensors.map(\.name) == base.tensors.map(\.name))
    #expect(merged.isAdapted && merged.directory == base.directory)
    #expect(merged.configuration == base.configuration)
    let changed = merged.tensors.filter { tensor in
      (try? merged.floats(of: tensor.name)) != (try? base.floats(of: tensor.name))
    }
    #expect(
      changed.map(\.name).sorted() == [
        "model.layers.0.mlp.down_proj.weight", "model.layers.0.self_attn.q_proj.weight",
      ])
    for tensor in changed {
      let whole = try merged.floats(of: tensor.name)
      for start in [0, 3, 17] {
        var part = [Float](repeating: 0, count: 30)
        var span = part.mutableSpan
        try merged.readFloats(of: tensor.name, from: start, into: &span)
        #expect(part == Array(whole[start..<start + 30]))
      }
    }
  }

  @Test("a base of other sizes is refused, naming both")
  func otherBase() throws {
    let error = try #require(throws: FormatError.self) {
      try Checkpoint(
        opening: "\(folder)/adapter", base: Fixtures.path("golden/forward/llama-mha"))
    }
    #expect(error.kind == .badData && error.file.hasSuffix("adapter_model.safetensors"))
    #expect(error.problem.contains("llama-mha"))
    let other = try #require(throws: FormatError.self) {
      try Checkpoint(
        opening: "\(folder)/adapter", base: Fixtures.path("golden/forward/gpt2-base"))
    }
    #expect(other.problem.hasPrefix("unexpected"))
  }
}
