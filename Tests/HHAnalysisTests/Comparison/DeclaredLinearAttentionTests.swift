// Comparisons of models with linear attention, in every form that one can have.

import HHCompute
import HHExport
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHAnalysis
@testable import HHModel

@Suite("DeclaredLinearAttention")
struct DeclaredLinearAttentionTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// An artifact of a random model with its exports: GGUF, and a folder for transformers.
  private func forms(
    _ model: String, _ settings: LinearAttentionSettings, as name: String = "a"
  ) throws -> [String] {
    let artifact = directory.path("\(name).zst")
    try Artifacts.write(model, to: artifact, settings: settings)
    return [
      artifact, try Artifacts.export(artifact, .gguf, to: directory.path("\(name).gguf")),
      try Artifacts.export(artifact, .hf, to: directory.path("\(name)-hf")),
    ]
  }

  @Test(
    "linear attention without parameters is no softmax attention, nor another map, in any format")
  func featureMaps() throws {
    let source = Fixtures.path("golden/forward/gpt2-base")
    let elu = try forms("gpt2-base", LinearAttentionSettings(.elu), as: "elu")
    let relu = try forms("gpt2-base", LinearAttentionSettings(.relu), as: "relu")
    for first in elu {
      for second in [source] + relu {
        for (a, b) in [(first, second), (second, first)] {
          let comparison = try ModelComparison(of: a, and: b, threads: 1)
          #expect(!comparison.isEqual, "\(a), \(b)")
          #expect(comparison.settings.map(\.name) == ["featureMap"], "\(comparison.text)")
        }
      }
      for second in elu {
        let comparison = try ModelComparison(of: first, and: second, threads: 1)
        #expect(comparison.isEqual, "\(first), \(second): \(comparison.text)")
      }
    }
  }

  @Test(
    "an artifact equals its exports, maps included",
    arguments: [
      ("gpt2-base", .splitSoftmax), ("gpt2-base", .cosformer),
      ("llama-gqa", .exponential), ("llama-gqa", .performer),
    ] as [(String, FeatureMapKind)])
  func exports(_ model: String, _ kind: FeatureMapKind) throws {
    var settings = LinearAttentionSettings(kind)
    // Not every map takes a window.
    if kind == .splitSoftmax {
      (settings.window, settings.sinks, settings.softmaxLayers) = (4, 2, [1])
    }
    let forms = try forms(model, settings)
    for path in forms.dropFirst() {
      let comparison = try ModelComparison(of: forms[0], and: path, threads: 1)
      #expect(comparison.isEqual && comparison.isByRole, "\(path): \(comparison.text)")
    }
  }

  @Test("each setting of a feature map makes another model")
  func featureMapSettings() throws {
    let plain = LinearAttentionSettings(.elu)
    var others = [plain, plain, plain, plain]
    others[0].window = 4
    (others[3].window, others[3].sinks) = (4, 1)
    others[1].softmaxLayers = [1]
    others[2].epsilon = 1e-6
    let first = try forms("gpt2-base", plain)
    for (number, other) in others.enumerated() {
      let second = try forms("gpt2-base", other, as: "other-\(number)")
      for first in first {
        for second in second {
          let comparison = try ModelComparison(of: first, and: second, threads: 1)
          #expect(comparison.settings.map(\.name) == ["featureMap"], "\(comparison.text)")
        }
      }
    }
  }
}
