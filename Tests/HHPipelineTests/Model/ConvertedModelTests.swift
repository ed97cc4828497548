// A converted model out of its artifact against the same model in memory.

import HHCompute
import HHFormat
import HHTestSupport
import Testing

@testable import HHPipeline

@Suite("ConvertedModel")
struct ConvertedModelTests {
  private let folder: TemporaryDirectory
  private let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("model.hedgehog.safetensors.zst")
  }

  @Test("runs as the model in memory does, bit for bit", arguments: Models.golden)
  func equalsMemory(_ name: String) throws {
    let expected = try Models.golden(name).rewritten()
    Artifacts.disturb(expected)
    try Artifacts.write(name, to: path, maps: expected)
    let model = try ConvertedModel(opening: path)
    #expect(model.graph == expected.graph)
    #expect(model.manifest.description.architecture.name == expected.graph.architecture)
    let runner = try model.runner()
    let input = try Models.input(name)
    let (a, b) = (try runner.outputs(for: input), try expected.outputs(for: input))
    #expect(a.hidden.values == b.hidden.values)
    #expect(a.logits?.values == b.logits?.values)
    #expect(a.pooled?.values == b.pooled?.values)
  }

  @Test("a model that was not converted is refused as that")
  func softmax() throws {
    let error = #expect(throws: FormatError.self) {
      try ConvertedModel(opening: Fixtures.path("golden/forward/gpt2-base"))
    }
    #expect(error?.kind == .unsupported)
    #expect(error?.problem == "expected an artifact of hh-convert, found safetensors")
  }

  @Test("another map of the same name is not taken for this one")
  func otherMap() throws {
    let maps = [
      FeatureMapDescription(
        kind: .jointSoftmax, featureDimension: 6, bias: true, sharing: .keyValueHead,
        epsilon: 1e-12, epsilonPlacement: .addedToDenominator),
      Artifacts.featureMap(size: 7),
    ]
    for map in maps {
      try Artifacts.write("llama-gqa", to: path, featureMap: map)
      let error = #expect(throws: FormatError.self) { try ConvertedModel(opening: path) }
      #expect(error?.kind == .unsupported)
      #expect(error?.place == "manifest, 'featureMap'")
    }
  }
}
