// Exports to ONNX: which files there are, what they say of themselves, and what is refused.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHExport
@testable import HHModel
@testable import HHTraining

@Suite("ONNXExport")
struct ONNXExportTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @discardableResult
  private func export(
    _ source: String, to name: String = "out",
    _ change: (inout ExportOptions) -> Void = { _ in }, report: ProgressReport = { _ in }
  ) throws -> ExportSummary {
    var options = ExportOptions(source: source, target: .onnx)
    options.output = folder.path(name)
    change(&options)
    return try Export(options).run(report: report)
  }

  private func artifact(_ name: String) throws -> String {
    let path = folder.path("\(name).hedgehog.safetensors.zst")
    try Artifacts.write(name, to: path)
    return path
  }

  private func size(_ path: String) throws -> Int { try MappedFile(at: path).count }

  /// The metadata of a model, and its versions of operators by domain.
  private func fields(_ path: String) throws -> (metadata: [String: String], opsets: [String: Int])
  {
    let file = try MappedFile(at: path)
    let bytes = file.bytes.copied()
    var (metadata, opsets): ([String: String], [String: Int]) = ([:], [:])
    var reader = ProtobufReader(bytes, in: bytes.indices)
    while let field = try reader.next() {
      guard case .bytes(let range) = field.value, [8, 14].contains(field.number) else { continue }
      var (texts, version) = (["", ""], 0)
      var inner = ProtobufReader(bytes, in: range)
      while let part = try inner.next() {
        switch part.value {
        case .bytes(let range):
          texts[Int(part.number) - 1] = String(decoding: bytes[range], as: UTF8.self)
        case .integer(let number): version = Int(number)
        default: Issue.record("field \(part)")
        }
      }
      if field.number == 8 { opsets[texts[0]] = version } else { metadata[texts[0]] = texts[1] }
    }
    return (metadata, opsets)
  }

  @Test("a folder has the model, its configuration and its tokenizer; a file the model alone")
  func outputs() throws {
    let source = Fixtures.path("models/bert")
    let summary = try export(source)
    #expect(
      summary.files
        == ["config.json", "model.onnx", "tokenizer.json", "tokenizer_config.json", "vocab.txt"])
    #expect(summary.tensorCount == 58 && !summary.isHedgehog)
    let configuration = try JSONObject(contentsOf: folder.path("out/config.json"))
    #expect(configuration["model_type"] == .string("bert"))
    #expect(try export(source, to: "m.onnx").files == [])
    let folderSize = try size(folder.path("out/model.onnx"))
    #expect(try size(folder.path("m.onnx")) == folderSize)
  }

  @Test("weights beside the model are counted, named and read back")
  func besides() throws {
    let summary = try export(Fixtures.path("models/llama")) { $0.shardSize = 200_000 }
    let data = summary.files.filter { $0.hasPrefix("model.onnx_data") }
    #expect(data.count > 1 && data[0] == "model.onnx_data" && data[1] == "model.onnx_data_1")
    for name in data { #expect(try size(folder.path("out/\(name)")) <= 200_000) }
    #expect(try size(folder.path("out/model.onnx")) < 100_000)
  }

  @Test("half the bits are half the bytes")
  func types() throws {
    let source = Fixtures.path("models/llama")
    let whole = try export(source, to: "f32.onnx").byteCount
    for type in ["f16", "bf16"] {
      let half = try export(source, to: "\(type).onnx") { $0.dtype = type }.byteCount
      #expect(half < whole * 6 / 10)
    }
  }

  @Test("a model says where it comes from and which operators it needs")
  func metadata() throws {
    try export(try artifact("llama-mha"), to: "a.onnx")
    let own = try fields(folder.path("a.onnx"))
    #expect(own.metadata["architecture"] == "llama" && own.metadata["model"] == "hedgehog")
    #expect(own.metadata["provenance"]?.hasPrefix("{\"sources\":") == true)
    #expect(own.metadata["featureMap"]?.contains("hedgehog-softmax-split") == true)
    #expect(own.opsets == ["": 27])
    try export(try artifact("llama-mha"), to: "b.onnx") { $0.linearAttention = .microsoft }
    #expect(try fields(folder.path("b.onnx")).opsets == ["": 20, "com.microsoft": 1])
    try export(try artifact("bert-model"), to: "c.onnx") { $0.opset = 23 }
    #expect(try fields(folder.path("c.onnx")).opsets == ["": 23])
    try export(Fixtures.path("models/gpt2"), to: "d.onnx")
    let softmax = try fields(folder.path("d.onnx"))
    #expect(softmax.metadata == ["architecture": "gpt2", "model": "softmax"])
    #expect(softmax.opsets == ["": 20])
  }

  @Test(
    "operators that are not known, or cannot write the model, are refused before anything is written",
    arguments: [
      (19, ONNXLinearAttention.standard, "expected 20 to 28, found 19"),
      (99, .standard, "expected 20 to 28, found 99"),
      (26, .standard, "expected 27 or later, which has LinearAttention, found 26"),
    ])
  func opsets(_ opset: Int, _ choice: ONNXLinearAttention, _ problem: String) throws {
    let source = try artifact("gpt2-base")
    #expect {
      try export(source) {
        $0.opset = opset
        $0.linearAttention = choice
      }
    } throws: { "\($0)".contains(problem) }
    #expect(try directoryEntries(of: folder.path) == ["gpt2-base.hedgehog.safetensors.zst"])
  }

  @Test("types that no runtime computes with are refused")
  func quantized() {
    #expect {
      try export(Fixtures.path("models/llama")) { $0.dtype = "q8_0" }
    } throws: { "\($0)".contains("expected keep, f32, f16 or bf16 for onnx, found 'q8_0'") }
  }

  @Test("every feature map has operators")
  func maps() {
    for kind in FeatureMapKind.allCases { #expect(ONNXFeatureMap.function(of: kind) != nil) }
  }

  @Test(
    "a model that reads back as something else is not published",
    arguments: ["model.onnx", "model.onnx_data"])
  func unfaithful(_ name: String) throws {
    #expect {
      try export(Fixtures.path("models/llama")) {
        $0.shardSize = name == "model.onnx" ? nil : 1_000_000
      } report: { event in
        guard case .verified = event else { return }
        let staging = try #require(
          try directoryEntries(of: folder.path).first { $0.hasSuffix(".partial") })
        let file = try MappedFile(at: folder.path("\(staging)/\(name)"))
        var content = file.bytes.copied()
        content[content.count - 1] = 0x7F
        try folder.write(content, to: "\(staging)/\(name)")
      }
    } throws: { error in
      guard case PipelineError.unfaithful? = error as? PipelineError else { return false }
      return true
    }
    #expect(try directoryEntries(of: folder.path).isEmpty)
  }
}
