// What programs that know nothing of us make of an artifact.

import Foundation
import HHTestSupport
import Testing

@testable import HHFormat

/// A Python with safetensors, jsonschema and NumPy, where the environment names one.
private let pythonPath = ProcessInfo.processInfo.environment["HH_PYTHON"]

@Suite("Artifact interoperability")
struct ArtifactInteroperabilityTests {
  /// `schemas/artifact.schema.json` of this package.
  private static let schema: String = {
    // This file is PACKAGE/Tests/HHFormatTests/Artifact/….
    var folder = #filePath
    for _ in 0..<4 { folder = directory(of: folder) }
    return join(folder, "schemas/artifact.schema.json")
  }()

  /// Undoes the layout as schemas/README.md says, and compares with the manifest and the original.
  private static let script = """
    import hashlib, json, sys
    import jsonschema, numpy as np, safetensors
    plain, original, schema = sys.argv[1:]
    with open(plain, "rb") as f: content = f.read()
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8:8 + length])["__metadata__"]
    assert metadata["format"] == "pt"
    manifest = json.loads(metadata["hedgehog"])
    with open(schema) as f: jsonschema.Draft202012Validator(json.load(f)).validate(manifest)
    stored = dict(safetensors.deserialize(content))
    assert set(stored) == set(manifest["tensors"])
    with open(original, "rb") as f:
        for name, tensor in manifest["tensors"].items():
            data, shape = bytes(stored[name]["data"]), stored[name]["shape"]
            if tensor["layout"] == "planes":
                assert stored[name]["dtype"] == "U8" and shape[1:] == tensor["shape"]
                t = np.frombuffer(data, np.uint8).reshape(shape)
                n = t.shape[0]
                w = np.ascontiguousarray(np.moveaxis(t, 0, -1)).view(f"<u{n}")[..., 0]
                data = (w >> 1 | w << (8 * n - 1)).tobytes()
            else:
                assert stored[name]["dtype"] == tensor["dtype"] and shape == tensor["shape"]
            assert data == f.read(len(data)), name
            assert hashlib.sha256(data).hexdigest() == tensor["sha256"], name
        assert not f.read(1)
    print(len(stored))
    """

  @Test(
    "zstd and Python's safetensors open it, and its manifest keeps the schema",
    .enabled(if: pythonPath != nil, "HH_PYTHON names no Python with safetensors and jsonschema"),
    arguments: [TensorLayout.planes, .interleaved])
  func opensWithPython(layout: TensorLayout) throws {
    let folder = try TemporaryDirectory()
    let tensors = ArtifactSamples.tensors()
    let artifact = folder.path("a.hedgehog.safetensors.zst")
    try ArtifactSamples.write(to: artifact, layout: layout)
    var original: [UInt8] = []
    for tensor in tensors { original += try ArtifactSamples.bytes(of: tensor) }
    try folder.write(original, to: "original")
    let plain = folder.path("a.safetensors")
    _ = try run("/usr/bin/env", ["zstd", "-q", "-d", "-o", plain, artifact])
    let python = try #require(pythonPath)
    let output = try run(
      python, ["-c", Self.script, plain, folder.path("original"), Self.schema])
    #expect(output == "\(tensors.count)\n")
  }

  @Test("the schema lists what the code knows")
  func schemaEnumerations() throws {
    let file = try MappedFile(at: Self.schema)
    let schema = try JSONValue(parsing: file.bytes.octets)
    func choices(_ path: String...) -> [String]? {
      var value: JSONValue? = schema
      for key in path { value = value?[key] }
      return value?["enum"]?.array?.compactMap(\.string)
    }
    let tensor = choices("$defs", "tensor", "properties", "dtype")
    #expect(tensor == DType.allCases.map(\.rawValue))
    #expect(
      choices("$defs", "tensor", "properties", "origin") == TensorOrigin.allCases.map(\.rawValue))
    #expect(
      choices("properties", "featureMap", "properties", "kind")
        == FeatureMapDescription.Kind.allCases.map(\.rawValue))
    #expect(
      choices("properties", "featureMap", "properties", "sharing")
        == FeatureMapDescription.Sharing.allCases.map(\.rawValue))
    #expect(
      choices("properties", "featureMap", "properties", "epsilonPlacement")
        == FeatureMapDescription.EpsilonPlacement.allCases.map(\.rawValue))
    let version = schema["properties"]?["formatVersion"]?["const"]?.string
    #expect(version == ArtifactManifest.Version.current.description)
  }

  @Test("a trained model shrinks as much as its exponents allow", .needsSharedFolder)
  func ratio() throws {
    let source = SharedFolder.path("models/bert-minilm-l6/model.safetensors")
    let file = try MappedFile(at: source)
    let tensors = try SafetensorsFile(at: source).tensors.filter { $0.dtype == .f32 }
    let folder = try TemporaryDirectory()
    let single = try ArtifactWriter.write(
      to: folder.path("f32.zst"), description: ArtifactSamples.description,
      tensors: tensors.map { ArtifactTensor($0, in: file) }, options: ArtifactOptions(threads: 2))
    #expect(Double(single.bytes) <= 0.83 * Double(single.rawBytes))
    let halves = try tensors.map { tensor in
      var values = [Float](repeating: 0, count: tensor.elementCount)
      var target = values.mutableSpan
      _ = tensor.dtype.convert(file.bytes.extracting(tensor.byteRange), to: &target)
      let stored = DType.bf16.store(values.span)
      return ArtifactTensor(
        name: tensor.name, dtype: .bf16, shape: tensor.shape, origin: .changed,
        bytes: try #require(stored))
    }
    let half = try ArtifactWriter.write(
      to: folder.path("bf16.zst"), description: ArtifactSamples.description, tensors: halves,
      options: ArtifactOptions(threads: 2))
    #expect(Double(half.bytes) <= 0.67 * Double(half.rawBytes))
  }

  /// Runs a program, expects success, and returns its standard output.
  private func run(_ program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(program) \(arguments)")
    return String(decoding: text, as: UTF8.self)
  }
}
