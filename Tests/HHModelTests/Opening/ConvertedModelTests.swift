// A converted model out of its artifact against the same model in memory.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHModel

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
    #expect(model.manifest?.description.architecture.name == expected.graph.architecture)
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
    #expect(
      error?.problem == "expected an artifact of hh-convert or an export of one, found safetensors")
  }

  /// Descriptions of other maps than those whose weights the artifact has, in place of its own, and
  /// how each is found out.
  static let otherMaps: [(map: LinearAttentionDescription, place: String)] = [
    (description(.splitSoftmax, size: 7), "tensor 'layers."),
    (description(.jointSoftmax, bias: false), "tensor 'layers."),
    (description(.jointSoftmax, sharing: .queryHead), "tensor 'layers."),
    (description(.exponential, sharing: .allHeads), "tensor 'layers."),
    (description(.elu, bias: false), "tensor 'layers."),
    (description(.splitSoftmax, window: 4), "tensor 'layers."),
    (description(.splitSoftmax, softmaxLayers: [1]), "tensor 'layers."),
    (description(.elu), "manifest, 'featureMap'"),
    (description(.elu, size: 3, bias: false), "manifest, 'featureMap'"),
    (description(.performer, bias: false), "manifest, 'featureMap'"),
    (description(.splitSoftmax, constant: 2), "manifest, 'featureMap'"),
    (description(.exponential, window: 4), "manifest, 'featureMap'"),
    (description(.splitSoftmax, window: 4, sinks: 1 << 40), "manifest, 'featureMap'"),
    (description(.splitSoftmax, softmaxLayers: [9]), "manifest, 'featureMap'"),
    (description(.splitSoftmax, placement: .denominatorFloor), "manifest, 'featureMap'"),
  ]

  private static func description(
    _ kind: FeatureMapKind, size: Int = 6, bias: Bool = true,
    sharing: LinearAttentionDescription.Sharing = .keyValueHead,
    placement: LinearAttentionDescription.EpsilonPlacement = .addedToDenominator,
    constant: Double? = nil, window: Int? = nil, sinks: Int? = nil,
    softmaxLayers: [Int] = []
  ) -> LinearAttentionDescription {
    LinearAttentionDescription(
      kind: kind.rawValue, featureDimension: size, bias: bias, sharing: sharing, epsilon: 1e-12,
      epsilonPlacement: placement, constant: constant, window: window, sinks: sinks,
      softmaxLayers: softmaxLayers)
  }

  @Test("weights of one map are not taken for those of another", arguments: otherMaps)
  func otherMap(_ map: LinearAttentionDescription, place: String) throws {
    try Artifacts.write("llama-gqa", to: path, linearAttention: map)
    let error = try #require(
      #expect(throws: FormatError.self) { try ConvertedModel(opening: path) })
    #expect([.unsupported, .badData].contains(error.kind))
    #expect(error.place.hasPrefix(place), "\(error)")
  }

  @Test("sinks without a window are refused by any reader of the manifest")
  func sinksAlone() throws {
    let error = #expect(throws: FormatError.self) {
      try Artifacts.write(
        "llama-gqa", to: path, linearAttention: Self.description(.splitSoftmax, sinks: 4))
      _ = try ConvertedModel(opening: path)
    }
    #expect(error?.problem == "'sinks': expected none without a window, found 4")
  }

  @Test("a feature map that is not computed here is refused by its name")
  func unknownMap() throws {
    try Artifacts.write(
      "llama-gqa", to: path,
      linearAttention: LinearAttentionDescription(
        kind: "hedgehog-cubic", featureDimension: 6, bias: true, sharing: .keyValueHead,
        epsilon: 1e-12, epsilonPlacement: .addedToDenominator))
    let error = try #require(
      #expect(throws: FormatError.self) { try ConvertedModel(opening: path) })
    #expect(error.kind == .unsupported)
    #expect(error.problem.hasPrefix("'kind': expected hedgehog-softmax-split, "))
    #expect(error.problem.hasSuffix(", found 'hedgehog-cubic'"))
  }

  /// Settings of every kind.
  static let settings: [LinearAttentionSettings] =
    FeatureMapKind.allCases.map { kind in
      var settings = LinearAttentionSettings()
      settings.kind = kind
      return settings
    } + [
      with { ($0.bias, $0.dimension, $0.sharing) = (false, 3, .allHeads) },
      with { ($0.kind, $0.sharing, $0.window) = (.jointSoftmax, .queryHead, 3) },
      with { ($0.kind, $0.constant) = (.exponentialOfInput, 0.5) },
      with { ($0.window, $0.softmaxLayers) = (2, [0]) },
      with { ($0.window, $0.sinks) = (2, 3) },
      with { ($0.window, $0.windowFactor, $0.positions) = (2, .sigmoid, .kept) },
      with { $0.positions = .dropped },
    ]

  private static func with(
    _ change: (inout LinearAttentionSettings) -> Void
  ) -> LinearAttentionSettings {
    var settings = LinearAttentionSettings()
    change(&settings)
    return settings
  }

  @Test(
    "every variant runs from its artifact as it does in memory, bit for bit", arguments: settings)
  func variants(_ settings: LinearAttentionSettings) throws {
    let name = "llama-gqa"
    let expected = try Models.golden(name).rewritten(settings)
    Artifacts.disturb(expected)
    let plan = try Models.golden(name).graph.rewritten(settings).plan
    try Artifacts.write(
      name, to: path, plan: plan, maps: expected, linearAttention: settings.description(plan: plan))
    let runner = try ConvertedModel(opening: path).runner()
    let input = try Models.input(name)
    let logits = try #require(try runner.outputs(for: input).logits?.values)
    #expect(logits == (try expected.outputs(for: input).logits?.values))
    #expect(logits.allSatisfy { $0.isFinite })
  }
}
