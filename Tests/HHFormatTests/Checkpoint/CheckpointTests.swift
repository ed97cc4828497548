// Which files a path stands for, what is refused with which advice, and reading tensors.

import HHFormat
import HHTestSupport
import Testing

@Suite("Checkpoint")
struct CheckpointTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("a file, with the configuration beside it")
  func file() throws {
    let path = try directory.writeOneByteTensors(["a"], to: "any.safetensors")
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
    let path = try directory.writeOneByteTensors(["a"], to: "model.safetensors")
    #expect(try Checkpoint(opening: path).configuration == nil)
    #expect(try Checkpoint(opening: path).configurationPath == nil)
    try directory.write(#"{"a":1}"#, to: "config.json")
    let other = try directory.write(#"{"a":2}"#, to: "other/mine.json")
    let checkpoint = try Checkpoint(opening: path, configuration: other)
    #expect(checkpoint.configuration?["a"] == .integer(2))
    #expect(checkpoint.configurationPath == other)
    let absent = directory.path("absent.json")
    #expect(try openingError(path, configuration: absent).kind == .missingInput)
    try directory.write("[1]", to: "config.json")
    #expect(
      try openingError(path)
        == FormatError(
          .badData, file: directory.path("config.json"),
          problem: "expected a JSON object, found another type"))
    try directory.write("{", to: "config.json")
    #expect(try openingError(path).problem.hasPrefix("invalid JSON at byte 1: "))
  }

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
        problem: "expected the dtype F32, F16, BF16 or F64, found I32")
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
