// Shards without an index.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("ShardNames")
struct ShardNamesTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("names of shards, and others")
  func names() {
    let shard = ShardNames("my-model-00002-of-00010.safetensors")
    #expect(shard?.stem == "my-model" && shard?.number == 2 && shard?.total == 10)
    for name in [
      "model.safetensors", "model-1-of-2.safetensors", "model-00001-of-2.safetensors",
      "a-00001-of-00002.bin",
    ] {
      #expect(ShardNames(name) == nil, "\(name)")
    }
  }

  @Test("a whole set opens as one checkpoint, in order")
  func whole() throws {
    for (number, name) in [(2, "b"), (1, "a"), (3, "c")] {
      try directory.writeOneByteTensors([name], to: "model-0000\(number)-of-00003.safetensors")
    }
    let checkpoint = try Checkpoint(opening: directory.path)
    #expect(checkpoint.tensors.map(\.name) == ["a", "b", "c"])
    #expect(checkpoint.sourceFiles.count == 3)
    let one = try openingError(directory.path("model-00002-of-00003.safetensors"))
    #expect(one.hint == "pass the folder instead")
    try directory.write("{}", to: "config.json")
    #expect(try CheckpointSearch.checkpoints(below: directory.path) == [directory.path])
  }

  @Test("a missing shard, a tensor in two, and two sets are refused")
  func broken() throws {
    try directory.writeOneByteTensors(["a"], to: "model-00001-of-00003.safetensors")
    try directory.writeOneByteTensors(["a"], to: "model-00003-of-00003.safetensors")
    let missing = try openingError(directory.path)
    #expect(missing.kind == .missingInput)
    #expect(missing.problem.hasSuffix("no 'model-00002-of-00003.safetensors'"))
    try directory.writeOneByteTensors(["b"], to: "model-00002-of-00003.safetensors")
    let twice = try openingError(directory.path)
    #expect(twice.file == directory.path("model-00003-of-00003.safetensors"))
    #expect(twice.place == "tensor 'a'")
    #expect(twice.problem.contains("model-00001-of-00003.safetensors"))
    try directory.writeOneByteTensors(["b"], to: "other-00001-of-00001.safetensors")
    #expect(
      try openingError(directory.path).hint == "pass the file or its index instead of the folder")
  }

  @Test("a total that no folder holds costs nothing")
  func hostile() throws {
    try directory.writeOneByteTensors(["a"], to: "m-00001-of-99999.safetensors")
    try directory.writeOneByteTensors(["b"], to: "m-00002-of-99999.safetensors")
    #expect(try openingError(directory.path).problem.hasSuffix("no 'm-00003-of-99999.safetensors'"))
    try directory.writeOneByteTensors(["a"], to: "z/m-00000-of-00000.safetensors")
    try directory.writeOneByteTensors(["b"], to: "z/m-00001-of-00000.safetensors")
    #expect(throws: FormatError.self) { try Checkpoint(opening: directory.path("z")) }
  }
}
