// Which files a path stands for, what is refused with which advice, and reading tensors.

import HHFormat
import HHTestSupport
import Testing

@Suite("Checkpoint")
struct CheckpointTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Writes a file of U8 tensors of one byte.
  @discardableResult
  private func write(_ names: [String], to file: String) throws -> String {
    var forge = FileForge(seed: 3)
    return try directory.write(
      try forge.safetensors(names.map { ($0, .u8, [1]) }), to: file)
  }

  private func writeShards(index: [(tensor: String, file: String)]? = nil) throws -> String {
    try write(["a", "b"], to: "model-00001-of-00002.safetensors")
    try write(["c"], to: "model-00002-of-00002.safetensors")
    return try directory.write(
      FileForge.index(
        index ?? [
          ("c", "model-00002-of-00002.safetensors"), ("a", "model-00001-of-00002.safetensors"),
          ("b", "model-00001-of-00002.safetensors"),
        ]), to: "model.safetensors.index.json")
  }

  private func error(_ path: String, configuration: String? = nil) throws -> FormatError {
    try #require(
      throws: FormatError.self, "\(path)",
      performing: { try Checkpoint(opening: path, configuration: configuration) })
  }

  // MARK: Finding the files

  @Test("a file, with the configuration beside it")
  func file() throws {
    let path = try write(["a"], to: "any.safetensors")
    try directory.write(#"{"model_type":"gpt2"}"#, to: "config.json")
    let checkpoint = try Checkpoint(opening: path)
    #expect(checkpoint.path == path)
    #expect(checkpoint.directory == directory.path)
    #expect(checkpoint.tensors.map(\.name) == ["a"])
    #expect(checkpoint.configuration?["model_type"] == .string("gpt2"))
    #expect(checkpoint.configurationPath == directory.path("config.json"))
    #expect(checkpoint.sourceFiles == [path])
    #expect(checkpoint.format == "safetensors")
    #expect(checkpoint.byteCount == 1)
  }

  @Test("a configuration of one's own, or none")
  func configuration() throws {
    let path = try write(["a"], to: "model.safetensors")
    #expect(try Checkpoint(opening: path).configuration == nil)
    #expect(try Checkpoint(opening: path).configurationPath == nil)
    try directory.write(#"{"a":1}"#, to: "config.json")
    let other = try directory.write(#"{"a":2}"#, to: "other/mine.json")
    let checkpoint = try Checkpoint(opening: path, configuration: other)
    #expect(checkpoint.configuration?["a"] == .integer(2))
    #expect(checkpoint.configurationPath == other)
    let absent = directory.path("absent.json")
    #expect(try error(path, configuration: absent).kind == .missingInput)
    try directory.write("[1]", to: "config.json")
    #expect(
      try error(path)
        == FormatError(
          .badData, file: directory.path("config.json"),
          problem: "expected a JSON object, found another type"))
    try directory.write("{", to: "config.json")
    #expect(try error(path).problem.hasPrefix("invalid JSON at byte 1: "))
  }

  @Test("a folder: the index first, then model.safetensors, then the only file")
  func folder() throws {
    try write(["x"], to: "weights.safetensors")
    #expect(try Checkpoint(opening: directory.path).tensors.map(\.name) == ["x"])
    try write(["y"], to: "model.safetensors")
    #expect(try Checkpoint(opening: directory.path).tensors.map(\.name) == ["y"])
    let index = try writeShards()
    let checkpoint = try Checkpoint(opening: directory.path + "/")
    #expect(checkpoint.tensors.map(\.name) == ["a", "b", "c"])
    #expect(
      checkpoint.files.map { lastComponent(of: $0.path) } == [
        "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
      ])
    #expect(checkpoint.sourceFiles == checkpoint.files.map(\.path) + [index])
  }

  @Test("a folder without one checkpoint lists what it holds")
  func unclearFolder() throws {
    #expect(try error(directory.path).problem.hasSuffix("found an empty folder"))
    try directory.write("hello", to: "README.md")
    let found = try error(directory.path)
    #expect(found.kind == .missingInput)
    #expect(
      found.problem == "expected 'model.safetensors.index.json', 'model.safetensors' or exactly "
        + "one .safetensors file, found 'README.md'")
    try write(["x"], to: "one.safetensors")
    try write(["x"], to: "two.safetensors")
    let several = try error(directory.path)
    #expect(several.kind == .badData)
    #expect(several.problem.hasSuffix("found 'one.safetensors', 'two.safetensors'"))
    #expect(several.hint == "pass the file or its index instead of the folder")
  }

  @Test("a path that does not exist, and one that C would cut short")
  func missing() throws {
    let absent = directory.path("absent")
    #expect(
      try error(absent)
        == FormatError(
          .missingInput, file: absent, problem: "cannot be opened: No such file or directory"))
    let path = try write(["a"], to: "model.safetensors")
    #expect(try error(path + "\0x").problem == "not a usable path")
    #expect(try error("").problem == "not a usable path")
  }

  // MARK: Other formats

  @Test(
    "a file of another format is named, with advice",
    arguments: [
      ("PK\u{3}\u{4}\0\0\u{8}\u{8}", 24, "a PyTorch pickle or zip archive", "convert it to"),
      ("hello, this is text\n", 0, "text", ""),
      ("{\"a\": 1, \"b\": 2}", 0, "JSON text", "an index is recognised by its name"),
      (
        "version https://git-lfs.github.com/spec/v1\noid sha256:00", 0,
        "a Git LFS pointer in place of the file", "run 'git lfs pull'"
      ),
    ])
  func otherFormats(head: String, zeros: Int, found: String, hint: String) throws {
    let bytes = Array(head.utf8) + Array(repeating: 0, count: zeros)
    for name in ["model.safetensors", "pytorch_model.bin"] {
      let path = try directory.write(bytes, to: name)
      let error = try error(path)
      #expect(error.file == path)
      #expect(error.problem == "not a checkpoint: expected safetensors, found \(found)")
      #expect(error.hint?.hasPrefix(hint) ?? hint.isEmpty)
    }
  }

  @Test("binary formats are told by their first bytes")
  func binaryFormats() throws {
    for (head, found) in [
      ([0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46], "a PyTorch pickle or zip archive"),
      ([0x1F, 0x8B, 0x08, 0x00, 0x01, 0x02, 0x03, 0x04], "a gzip stream"),
      ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], "HDF5 (Keras, TensorFlow)"),
    ] as [([UInt8], String)] {
      let path = try directory.write(head + Array(repeating: 0, count: 100), to: "model.bin")
      let error = try error(path)
      #expect(error.kind == .unsupported)
      #expect(error.problem == "not a checkpoint: expected safetensors, found \(found)")
    }
  }

  @Test("a folder with weights of another kind only gets the same advice")
  func folderOfOtherFormat() throws {
    try directory.write("{}", to: "config.json")
    let path = try directory.write([0x80, 2] + Array(repeating: 0xAA, count: 60), to: "model.bin")
    let error = try error(directory.path)
    #expect(error.file == path)
    #expect(error.hint?.hasPrefix("convert it to safetensors first") == true)
  }

  // MARK: Shards

  @Test("a shard alone is refused and the index named, whatever the shard is called")
  func singleShard() throws {
    let index = try writeShards()
    let path = directory.path("model-00001-of-00002.safetensors")
    #expect(
      try error(path).problem.hasSuffix("one of the 2 shards of 'model.safetensors.index.json'"))
    #expect(try error(path).hint == "pass '\(index)' instead")
    try write(["a"], to: "odd/first.safetensors")
    try directory.write(
      FileForge.index([("a", "first.safetensors"), ("b", "second.safetensors")]),
      to: "odd/model.safetensors.index.json")
    #expect(try error(directory.path("odd/first.safetensors")).problem.contains("2 shards"))
    try write(["a"], to: "alone/model-00001-of-00003.safetensors")
    #expect(
      try error(directory.path("alone")).problem.hasSuffix("found one of 3 shards by its name"))
    let whole = try write(["a"], to: "whole/model-00001-of-00001.safetensors")
    #expect(try Checkpoint(opening: whole).tensors.count == 1)
  }

  @Test("a whole file beside the index of others opens by its own name")
  func leftoverIndex() throws {
    _ = try writeShards()
    let path = try write(["x"], to: "model.safetensors")
    #expect(try Checkpoint(opening: path).tensors.map(\.name) == ["x"])
  }

  // MARK: Reading

  @Test("floats are read from every computable type, also at odd addresses")
  func readFloats() throws {
    let values: [Float] = [1, -2.5, 0, 65504, -0.000061035156, 3]
    var bytes = try SafetensorsWriter.header(
      tensors: [
        ("odd", .u8, [1]), ("f32", .f32, [2, 3]), ("f16", .f16, [6]), ("bf16", .bf16, [3, 2]),
        ("i32", .i32, [6]), ("empty", .f32, [0]),
      ], metadata: [])
    bytes.append(0xFF)
    for dtype in [DType.f32, .f16, .bf16] { bytes += dtype.store(values.span) ?? [] }
    bytes += Array(repeating: 0, count: 24)
    let path = try directory.write(bytes, to: "model.safetensors")
    let checkpoint = try Checkpoint(opening: path)
    func read(_ name: String, _ count: Int) throws -> [Float] {
      var result = [Float](repeating: .nan, count: count)
      var output = result.mutableSpan
      try checkpoint.readFloats(of: name, into: &output)
      return result
    }
    #expect(try read("f32", 6) == values)
    #expect(try read("f16", 6) == values)
    #expect(try read("bf16", 6) == values.map { $0 == 65504 ? 65536 : $0 })
    #expect(try read("empty", 0) == [])
    #expect(
      throws: FormatError(
        .badData, file: path, place: "tensor 'f32'",
        problem: "expected 5 elements, found shape [2, 3]")
    ) { try read("f32", 5) }
    #expect(
      throws: FormatError(
        .unsupported, file: path, place: "tensor 'i32'",
        problem: "expected the dtype F32, F16 or BF16, found I32")
    ) { try read("i32", 6) }
    #expect(
      throws: FormatError(
        .badData, file: path, place: "tensor 'absent'",
        problem: "expected in the checkpoint, found no such tensor")
    ) { try read("absent", 6) }
    let raw = try checkpoint.bytes(of: "odd").copied()
    #expect(raw == [0xFF])
    #expect(checkpoint["absent"] == nil)
  }

  @Test("the first value that is not finite is found by name")
  func firstNonFinite() throws {
    let values: [Float] = [0, 1, .infinity, .nan]
    let bytes =
      try SafetensorsWriter.header(
        tensors: [("w", .f16, [2, 2]), ("n", .i64, [1])], metadata: [])
      + (DType.f16.store(values.span) ?? []) + Array(repeating: 0xFF, count: 8)
    let checkpoint = try Checkpoint(
      opening: try directory.write(bytes, to: "model.safetensors"))
    #expect(try checkpoint.firstNonFinite("w") == 2)
    #expect(try checkpoint.firstNonFinite("n") == nil)
    #expect(throws: FormatError.self) { try checkpoint.firstNonFinite("x") }
  }
}
