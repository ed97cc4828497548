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

  // MARK: Deltas

  /// Writes a folder with kept tensors and files, and the delta of a model made from it.
  private func writeDelta() throws -> (base: String, tensors: [ArtifactTensor]) {
    let tensors = ArtifactSamples.fewTensors().enumerated().map { index, tensor in
      ArtifactTensor(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape,
        origin: index == 2 ? .new : .kept, byteCount: tensor.byteCount, lend: tensor.lend)
    }
    try writeBase(tensors.filter { $0.origin == .kept })
    for file in ArtifactSamples.files { try folder.write(file.content, to: "base/\(file.name)") }
    try ArtifactSamples.write(
      to: path, tensors: tensors,
      files: SidecarFiles(of: Checkpoint(opening: folder.path("base"))).files, delta: true)
    return (folder.path("base"), tensors)
  }

  private func writeBase(_ tensors: [ArtifactTensor]) throws {
    let header = try SafetensorsWriter.header(
      tensors: tensors.map { ($0.name, $0.dtype, $0.shape) }, metadata: [])
    let data = try tensors.flatMap { try ArtifactSamples.bytes(of: $0) }
    try folder.write(header + data, to: "base/model.safetensors")
  }

  @Test("a delta holds what is new, and with its base the whole model")
  func delta() throws {
    let (base, tensors) = try writeDelta()
    #expect(try ArtifactReader(at: path).tensors.map(\.name) == tensors.map(\.name).suffix(1))
    let checkpoint = try Checkpoint(opening: path, base: base)
    #expect(checkpoint.tensors.map(\.name) == tensors.map(\.name))
    for tensor in tensors {
      let bytes = try checkpoint.withBytes(of: tensor.name) { (bytes) in bytes.copied() }
      #expect(try bytes == ArtifactSamples.bytes(of: tensor))
    }
    try checkpoint.checkBase(threads: 2)
    #expect(
      try SidecarFiles(of: checkpoint).files.map(\.name) == [
        "LICENSE", "merges.txt", "tokenizer.json",
      ])
    #expect(checkpoint.sourceFiles == [path, "\(base)/model.safetensors"])
  }

  @Test("a delta without its base opens, and says what it lacks when that is read")
  func withoutBase() throws {
    let tensors = try writeDelta().tensors
    let checkpoint = try Checkpoint(opening: path)
    #expect(checkpoint.tensors.map(\.name) == tensors.map(\.name))
    let name = tensors[0].name
    let error = #expect(throws: FormatError.self) {
      try checkpoint.withBytes(of: name) { (bytes) in bytes.byteCount }
    }
    #expect(error?.kind == .missingInput && error?.place == "tensor \(quoted(name))")
    #expect(error?.remedy == "pass it with \(.base)")
    _ = try checkpoint.withBytes(of: tensors[2].name) { (bytes) in bytes.byteCount }
  }

  @Test("another model is not taken for the base, and the digests are named")
  func wrongBase() throws {
    let (base, tensors) = try writeDelta()
    var changed = try ArtifactSamples.bytes(of: tensors[0])
    changed[0] ^= 1
    let other = ArtifactTensor(
      name: tensors[0].name, dtype: tensors[0].dtype, shape: tensors[0].shape, origin: .kept,
      bytes: changed)
    try writeBase([other, tensors[1]])
    let checkpoint = try Checkpoint(opening: path, base: base)
    let sound = try ContentDigest.of(ArtifactSamples.bytes(of: tensors[0]))
    for check in [
      { try checkpoint.checkBase(threads: 2) },
      { _ = try checkpoint.withBytes(of: other.name) { (bytes) in bytes.byteCount } },
    ] {
      let error = #expect(throws: FormatError.self) { try check() }
      #expect(error?.file == base && error?.place == "tensor \(quoted(other.name))")
      #expect(
        error?.problem == "expected SHA-256 \(sound), found \(ContentDigest.of(changed))")
    }
    try writeBase([tensors[1]])
    let missing = #expect(throws: FormatError.self) { try Checkpoint(opening: path, base: base) }
    #expect(missing?.problem == "expected BF16 [7, 101], found no such tensor")
  }

  @Test("a file of the base that changed or went is found")
  func wrongFiles() throws {
    let base = try writeDelta().base
    try folder.write("other", to: "base/LICENSE")
    let checkpoint = try Checkpoint(opening: path, base: base)
    let error = #expect(throws: FormatError.self) { try checkpoint.checkBase(threads: 1) }
    #expect(error?.place == "file 'LICENSE'")
  }

  @Test("a base beside something that is no delta is refused")
  func needlessBase() throws {
    let base = try writeDelta().base
    try ArtifactSamples.write(to: folder.path("whole"))
    for model in [folder.path("whole"), base] {
      let error = #expect(throws: FormatError.self) { try Checkpoint(opening: model, base: base) }
      #expect(error?.kind == .unsupported)
    }
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
