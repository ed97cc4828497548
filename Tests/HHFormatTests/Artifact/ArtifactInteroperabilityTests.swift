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

  /// Undoes the layout as docs/artifact.md says, and compares with the manifest and the original.
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
    let artifact = folder.path("a.hedgehog.safetensors.zst")
    try ArtifactSamples.write(to: artifact, layout: layout, files: ArtifactSamples.files)
    let tensors = ArtifactSamples.tensors() + ArtifactSamples.fileTensors
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

  /// Reads everything with `python/hh_artifact.py` and prints names, digests, types and shapes.
  private static let readerScript = """
    import hashlib, json, sys
    sys.path.insert(0, sys.argv[1])
    import hh_artifact
    assert not set(sys.modules) & {"numpy", "torch", "safetensors"}
    artifact = hh_artifact.Artifact(sys.argv[2], sys.argv[3:])
    tensors = [[name, dtype, shape, hashlib.sha256(data).hexdigest()]
               for name in artifact for data, dtype, shape in [artifact.read(name)]]
    files = [[name, hashlib.sha256(artifact.read_file(name)).hexdigest()] for name in artifact.files]
    print(json.dumps([tensors, files]))
    """

  /// What the Python reader makes of an artifact.
  private func pythonReading(_ path: String, base: [String] = []) throws -> String {
    let outcome = try Python.run(
      Self.readerScript, ["\(Fixtures.root)/python", path] + base)
    try #require(outcome.status == 0, "\(outcome.output)")
    return try JSONValue(parsing: Array(outcome.output.utf8)).text
  }

  /// What this program makes of it, in the same form.
  private func ownReading(_ checkpoint: Checkpoint) throws -> String {
    let tensors = try checkpoint.tensors.map { tensor in
      // Of a quantised tensor the blocks, as they are stored.
      let digest =
        if let type = checkpoint.blockType(of: tensor.name) {
          try checkpoint.withBlocks(
            of: tensor.name,
            in: 0..<tensor.elementCount / type.elementsPerBlock * type.bytesPerBlock
          ) { (bytes) in ContentDigest.of(bytes) }
        } else {
          try checkpoint.withBytes(of: tensor.name) { (bytes) in ContentDigest.of(bytes) }
        }
      return JSONValue.array([
        .string(tensor.name), .string(try checkpoint.storedType(of: tensor.name)),
        .init(tensor.shape), .string(digest),
      ])
    }
    let files = try checkpoint.artifact.map { artifact in
      try artifact.carriedFiles.map { file in
        JSONValue.array([
          .string(file.name), .string(ContentDigest.of(try artifact.readFile(file.name))),
        ])
      }
    }
    return JSONValue.array([.array(tensors), .array(files ?? [])]).text
  }

  @Test(
    "the reader in python/ gives the same bytes", .needsPython,
    arguments: [TensorLayout.planes, .interleaved])
  func pythonReader(layout: TensorLayout) throws {
    let folder = try TemporaryDirectory()
    let path = folder.path("a.zst")
    try ArtifactSamples.write(to: path, layout: layout, files: ArtifactSamples.files)
    #expect(try pythonReading(path) == ownReading(Checkpoint(opening: path)))
  }

  @Test(
    "the reader in python/ reads what zstd -d leaves, and refuses what we refuse", .needsPython,
    arguments: [TensorLayout.planes, .interleaved])
  func pythonDecompressed(layout: TensorLayout) throws {
    let folder = try TemporaryDirectory()
    let (path, plain) = (folder.path("a.zst"), folder.path("a.safetensors"))
    try ArtifactSamples.write(to: path, layout: layout, files: ArtifactSamples.files)
    _ = try run("/usr/bin/env", ["zstd", "-q", "-d", "-o", plain, path])
    let expected = try ownReading(Checkpoint(opening: path))
    #expect(try ownReading(Checkpoint(opening: plain)) == expected)
    #expect(try pythonReading(plain) == expected)
    let sound = try readAll(plain)
    let header = 8 + Int(sound.raw.littleEndian64(at: 0))
    func refuses(_ bytes: [UInt8], _ words: String) throws {
      let file = try folder.write(bytes, to: "changed.safetensors")
      let outcome = try Python.run(Self.readerScript, ["\(Fixtures.root)/python", file])
      let output = outcome.output
      #expect(outcome.status == 1 && output.contains(words), "\(output.suffix(300))")
      #expect(throws: FormatError.self) { try ArtifactVerifier.verify(at: file) }
    }
    /// Another text in the header, padded to the same length.
    func renamed(_ text: String, _ other: String) throws -> [UInt8] {
      var bytes = sound
      let place = try #require(bytes.firstRange(of: Array(text.utf8)))
      bytes.replaceSubrange(place, with: other.utf8)
      return bytes
    }
    try refuses(Array(sound.dropLast()), "the artifact is not whole")
    try refuses(sound + [0], "the artifact is not whole")
    try refuses(Array(sound.prefix(header - 1)), "expected an artifact, found none")
    var damaged = sound
    damaged[damaged.count - 1] ^= 1
    try refuses(damaged, "the bytes are damaged: expected SHA-256 ")
    try refuses(try renamed("\"hedgehog\":", "\"hedgehoc\":"), "expected a manifest in ")
    try refuses(
      try renamed("\"F32 [3]\":", "\"F32 [9]\":"), "the same tensors in header and manifest")
    try refuses(
      try renamed(#"\"formatVersion\":\"1"#, #"\"formatVersion\":\"9"#), "found '9.")
  }

  private func readAll(_ path: String) throws -> [UInt8] {
    let file = try MappedFile(at: path)
    return file.bytes.copied()
  }

  @Test("the reader in python/ reads every version", .needsPython)
  func pythonReaderOfVersions() throws {
    let base = Fixtures.path("golden/forward/llama-bf16/model.safetensors")
    for name in ArtifactVersionsTests.names {
      let path = Fixtures.path("artifacts/\(name).hedgehog.safetensors.zst")
      let base = name.hasSuffix("delta") ? base : nil
      #expect(
        try pythonReading(path, base: [base].compactMap(\.self))
          == ownReading(Checkpoint(opening: path, base: base)), "\(name)")
    }
  }

  @Test(
    "the reader in python/ reads one tensor from its own frames, and finds damage", .needsPython)
  func pythonRandomAccess() throws {
    let folder = try TemporaryDirectory()
    let path = folder.path("a.zst")
    try ArtifactSamples.write(to: path)
    let reader = try ArtifactReader(at: path)
    let own = reader.frames[try reader.index(of: "BF16 [7, 101]")]
    var bytes = try ArtifactSamples.content(of: path)
    for frame in 1..<reader.digestFrame where !(own.first..<own.end).contains(frame) {
      bytes[reader.table.range(of: frame).lowerBound] ^= 0xFF
    }
    try folder.write(bytes, to: "a.zst")
    let outcome = try Python.run(
      """
      import sys
      sys.path.insert(0, sys.argv[1])
      import hh_artifact
      artifact = hh_artifact.Artifact(sys.argv[2])
      print(len(artifact.read("BF16 [7, 101]")[0]))
      try:
          artifact.read("F32 [7, 101]")
      except Exception as error:
          print(type(error).__name__)
      """, ["\(Fixtures.root)/python", path])
    #expect(outcome.output == "1414\nZstdError\n")
  }

  @Test("the reader in python/ has the same list of files", .needsPython)
  func pythonNames() throws {
    let names = SidecarRulesTests.allowed + SidecarRulesTests.refused
    let outcome = try Python.run(
      """
      import json, sys
      sys.path.insert(0, sys.argv[1])
      import hh_artifact
      print(json.dumps([bool(hh_artifact.NAMES.fullmatch(name)) for name in json.loads(sys.argv[2])]))
      """, ["\(Fixtures.root)/python", JSONValue(names).text])
    let expected = names.map { JSONValue.bool(SidecarRules.allows($0)) }
    #expect(try JSONValue(parsing: Array(outcome.output.utf8)) == .array(expected))
  }

  @Test("the reader in python/ refuses an artifact out of proportion", .needsPython)
  func pythonLimit() throws {
    let folder = try TemporaryDirectory()
    let zeros = [UInt8](repeating: 0, count: 80 << 20)
    _ = try ArtifactWriter.write(
      to: folder.path("a.zst"), description: ArtifactSamples.description,
      tensors: [
        ArtifactTensor(name: "w", dtype: .u8, shape: [zeros.count], origin: .kept, bytes: zeros)
      ], options: ArtifactOptions())
    let outcome = try Python.run(
      Self.readerScript, ["\(Fixtures.root)/python", folder.path("a.zst")])
    #expect(outcome.status == 1 && outcome.output.contains("bytes unpacked, found 83886080"))
  }

  @Test("the reader in python/ is short")
  func pythonReaderLength() throws {
    let file = try MappedFile(at: "\(Fixtures.root)/python/hh_artifact.py")
    #expect(file.bytes.copied().count { $0 == UInt8(ascii: "\n") } < 160)
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
    let tensor = choices("$defs", "dtype")
    #expect(tensor == DType.allCases.map(\.rawValue))
    #expect(
      choices("$defs", "tensor", "properties", "origin") == TensorOrigin.allCases.map(\.rawValue))
    #expect(
      choices("properties", "featureMap", "properties", "sharing")
        == LinearAttentionDescription.Sharing.allCases.map(\.rawValue))
    #expect(
      choices("properties", "featureMap", "properties", "epsilonPlacement")
        == LinearAttentionDescription.EpsilonPlacement.allCases.map(\.rawValue))
    #expect(choices("properties", "formatVersion")?.last == "\(ArtifactManifest.Version.current)")
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
