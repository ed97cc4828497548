// Fixtures under every feature map, and with softmax beside it.

import HHCompute
import HHData
import HHFormat
import HHTestSupport
import ModelTestSupport

@testable import HHModel

/// A fixture under some feature map.
struct MapCase {
  let model: String
  /// Where the fixture lies; random models are in another folder than trained ones.
  var folder: String { model.contains("-") ? "golden/forward" : "models" }
  let settings: LinearAttentionSettings
  let name: String

  init(
    _ model: String, _ kind: FeatureMapKind, _ variant: String = "",
    _ change: (inout LinearAttentionSettings) -> Void = { _ in }
  ) {
    self.model = model
    var settings = LinearAttentionSettings(kind)
    change(&settings)
    self.settings = settings
    name = "\(model)-\(kind.rawValue)\(variant)"
  }

  static let all: [MapCase] =
    FeatureMapKind.allCases.flatMap { kind in
      ["gpt2", "llama"].map { MapCase($0, kind) }
    } + [
      MapCase("bert", .negatedExponential), MapCase("bert", .cosformer),
      MapCase("vit", .negatedExponential), MapCase("vit", .cosformer),
      MapCase("llama", .negatedExponential, "-narrow") {
        $0.bias = false
        $0.dimension = 5
      },
      MapCase("llama", .rectifiedProjection, "-shared") {
        $0.sharing = .allHeads
        $0.dimension = 24
      },
      MapCase("llama", .exponential, "-own") { $0.sharing = .queryHead },
      MapCase("gpt2", .performer, "-wide") { $0.dimension = 40 },
      MapCase("gpt2", .exponentialOfInput, "-cold") { $0.constant = 0.75 },
      MapCase("llama", .cosformer, "-far") { $0.constant = 1000 },
    ]

  /// Softmax beside linear attention: within a window, and in layers that keep it.
  static let besides = [
    MapCase("llama", .splitSoftmax, "-window") { $0.window = 16 },
    MapCase("llama", .taylor, "-window") {
      $0.window = 1
      $0.sharing = .queryHead
    },
    MapCase("llama", .cosformer, "-window") { $0.window = 70 },
    MapCase("gpt2", .elu, "-window") { $0.window = 200 },
    MapCase("llama", .splitSoftmax, "-sinks") { ($0.window, $0.sinks) = (16, 4) },
    MapCase("llama", .splitSoftmax, "-logits") {
      ($0.window, $0.windowFactor, $0.positions) = (16, .sigmoid, .kept)
    },
    MapCase("llama", .elu, "-dropped") { $0.positions = .dropped },
    MapCase("gpt2", .elu, "-sinks") { ($0.window, $0.sinks) = (1, 2) },
    MapCase("llama", .cosformer, "-sinks") { ($0.window, $0.sinks) = (5, 40) },
    MapCase("gpt2-inverse-layer", .splitSoftmax, "-window") {
      $0.window = 3
      $0.softmaxLayers = [1]
    },
    MapCase("llama", .splitSoftmax, "-kept") { $0.softmaxLayers = [0, 2] },
    MapCase("gpt2", .negatedExponential, "-kept") { $0.softmaxLayers = [1] },
    MapCase("bert", .splitSoftmax, "-kept") { $0.softmaxLayers = [0] },
    MapCase("vit", .splitSoftmax, "-kept") { $0.softmaxLayers = [1, 2] },
  ]

  /// Writes the case's artifact, with maps that are not those of the start; gives its path and a runner
  /// of the same model.
  func artifact(in folder: TemporaryDirectory) throws -> (path: String, student: ModelRunner) {
    let source = Fixtures.path("\(self.folder)/\(model)")
    let student = try ModelRunner(opening: source).rewritten(settings)
    Artifacts.disturb(student)
    let plan = try Graph(NameMap(Checkpoint(opening: source))).rewritten(settings).plan
    let path = folder.path("\(name).zst")
    try Artifacts.write(
      model, in: self.folder, to: path, plan: plan, maps: student,
      linearAttention: settings.description(plan: plan))
    return (path, student)
  }

  /// Two rows, one of them padded, or two images.
  static func input(of runner: ModelRunner) -> ModelInput {
    if runner.graph.kind == .image {
      let pixels = (0..<512).map { (index: Int) -> Float in Float(index * 37 % 101) / 50 - 1 }
      return .images(Matrix(rows: 2, columns: 256, pixels))
    }
    let (length, vocabulary) = (min(runner.graph.maximumLength, 80), runner.graph.vocabularySize)
    let ids = (0..<2 * length).map { (index: Int) -> Int32 in Int32(index * 61 % vocabulary) }
    return .tokens(
      TokenBatch(ids: ids, length: length, validLengths: [length, min(47, length - 3)]))
  }
}
