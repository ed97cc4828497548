// Exports of converted models run as the artifact does, and are exported again.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHExport
@testable import HHModel

@Suite("ExportedModel")
struct ExportedModelTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func export(
    _ source: String, _ target: ExportOptions.Target, to name: String
  ) throws -> String {
    try folder.export(source, target, to: name, dropHead: true)
  }

  /// Hidden states, pooled rows and logits of a model on the input of a golden one.
  private func outputs(_ path: String, _ name: String) throws -> [[Float]?] {
    let outputs = try OpenedModel(opening: path).runner.outputs(for: Models.input(name))
    return [outputs.hidden.values, outputs.pooled?.values, outputs.logits?.values]
  }

  private func contents(_ path: String) throws -> [String: [UInt8]] {
    let checkpoint = try Checkpoint(opening: path)
    var contents: [String: [UInt8]] = [:]
    for tensor in checkpoint.tensors {
      contents[tensor.name] = try checkpoint.withBytes(of: tensor.name) { $0.copied() }
    }
    return contents
  }

  @Test(
    "a folder and a GGUF file run bit for bit, and are exported again to the same tensors",
    arguments: ["gpt2-base", "bert-model", "vit-classifier", "llama-gqa"])
  func runs(_ name: String) throws {
    let maps = try Models.golden(name).rewritten()
    Artifacts.disturb(maps)
    let artifact = folder.path("a.hedgehog.safetensors.zst")
    try Artifacts.write(name, to: artifact, maps: maps)
    let expected = try outputs(artifact, name)
    let hf = try export(artifact, .hf, to: "hf")
    let gguf = try export(artifact, .gguf, to: "a.gguf")
    for (index, path) in [hf, gguf].enumerated() {
      #expect(try outputs(path, name) == expected, "\(path)")
      let other = try export(path, .hf, to: "again-\(index)")
      #expect(try contents(other) == contents(hf), "\(path)")
      let file = try export(path, .gguf, to: "again-\(index).gguf")
      #expect(try contents(file) == contents(gguf), "\(path)")
    }
  }

  @Test("settings that are missing, and names of no block, are refused")
  func forged() throws {
    let artifact = folder.path("a.hedgehog.safetensors.zst")
    try Artifacts.write("gpt2-base", to: artifact)
    let hf = try export(artifact, .hf, to: "hf")
    let softmax = #expect(throws: FormatError.self) {
      var options = ExportOptions(source: hf, target: .safetensors)
      options.softmax = true
      _ = try Export(options)
    }
    #expect(softmax?.problem.hasPrefix("expected an artifact for softmax") == true)
    var configuration = try JSONObject(contentsOf: "\(hf)/config.json")
    let settings = configuration["hedgehog"]?.object ?? [:]
    for key in ["feature_map", "feature_size", "epsilon"] {
      var other = settings
      other[key] = nil
      configuration["hedgehog"] = .object(other)
      try folder.write(JSONValue.object(configuration).text, to: "hf/config.json")
      let error = #expect(throws: FormatError.self) { try OpenedModel(opening: hf) }
      #expect(error?.kind == .badData, "\(key)")
    }
    var other = settings
    other["feature_size"] = 3
    configuration["hedgehog"] = .object(other)
    try folder.write(JSONValue.object(configuration).text, to: "hf/config.json")
    #expect(throws: FormatError.self) { try OpenedModel(opening: hf) }
  }
}
