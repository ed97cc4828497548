// An artifact opened as a checkpoint.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("ArtifactTensors")
struct ArtifactTensorsTests {
  private let folder: TemporaryDirectory
  private let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("model.bin")
  }

  @Test("the model's tensors come back with type, shape and bytes, whatever the file's name")
  func tensors() throws {
    try ArtifactSamples.write(to: path)
    let checkpoint = try Checkpoint(opening: path)
    let expected = ArtifactSamples.tensors().filter { $0.origin != .state }
    #expect(checkpoint.format == "artifact")
    #expect(checkpoint.sourceFiles == [path])
    #expect(checkpoint.tensors.map(\.name) == expected.map(\.name))
    for tensor in expected {
      let found = try #require(checkpoint[tensor.name])
      #expect(found.dtype == tensor.dtype && found.shape == tensor.shape)
      let bytes = try checkpoint.withBytes(of: tensor.name) { (bytes) in bytes.copied() }
      #expect(try bytes == ArtifactSamples.bytes(of: tensor))
      #expect(found.byteCount == bytes.count)
      #expect(try checkpoint.storedType(of: tensor.name) == tensor.dtype.rawValue)
    }
    #expect(checkpoint.artifact?.manifest.tensors.count == ArtifactSamples.tensors().count)
  }

  @Test("the configuration is the manifest's, not that of a model beside it")
  func configuration() throws {
    try ArtifactSamples.write(to: path)
    try folder.write(#"{"hidden_size": 1}"#, to: "config.json")
    let checkpoint = try Checkpoint(opening: path)
    #expect(checkpoint.configuration == ArtifactSamples.description.architecture.config)
    #expect(checkpoint.configurationPath == nil)
    let given = try Checkpoint(opening: path, configuration: folder.path("config.json"))
    #expect(given.configuration?["hidden_size"]?.integer == 1)
  }

  @Test("floats are read, and what is not finite is found in any chunk")
  func floats() throws {
    var values = (0..<3000).map { Float($0) }
    values[2999] = .infinity
    let bad = ArtifactTensor(name: "bad", shape: [3000], origin: .kept, floats: values)
    values[2999] = 0
    let good = ArtifactTensor(name: "good", shape: [3, 1000], origin: .changed, floats: values)
    try ArtifactSamples.write(to: path, tensors: [bad, good])
    let checkpoint = try Checkpoint(opening: path)
    #expect(try checkpoint.firstNonFinite("bad") == 2999)
    #expect(try checkpoint.firstNonFinite("good") == nil)
    var output = [Float](repeating: 0, count: 3000)
    var target = output.mutableSpan
    try checkpoint.readFloats(of: "good", into: &target)
    #expect(output == values)
  }

  @Test("bytes that lie in no file are refused, and a zstd stream that is no artifact")
  func refused() throws {
    try ArtifactSamples.write(to: path)
    let checkpoint = try Checkpoint(opening: path)
    do throws(FormatError) {
      _ = try checkpoint.bytes(of: "F32 [3]")
      Issue.record("no error")
    } catch {
      #expect(error.kind == .unsupported)
    }
    let other = try folder.write(
      [0x28, 0xB5, 0x2F, 0xFD] + Array(repeating: 0, count: 40), to: "o")
    let error = #expect(throws: FormatError.self) { try Checkpoint(opening: other) }
    #expect(error?.place == "seek table" && error?.file == other)
  }
}
