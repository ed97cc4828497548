// Which files of a path or folder are read, and what is refused with which advice.

import HHFormat
import HHTestSupport
import Testing

@Suite("CheckpointSource")
struct CheckpointSourceTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func writeShards(index: [(tensor: String, file: String)]? = nil) throws -> String {
    try directory.writeOneByteTensors(["a", "b"], to: "model-00001-of-00002.safetensors")
    try directory.writeOneByteTensors(["c"], to: "model-00002-of-00002.safetensors")
    return try directory.write(
      FileForge.index(
        index ?? [
          ("c", "model-00002-of-00002.safetensors"), ("a", "model-00001-of-00002.safetensors"),
          ("b", "model-00001-of-00002.safetensors"),
        ]), to: "model.safetensors.index.json")
  }

  @Test("a folder: the index first, then model.safetensors, then the only file")
  func folder() throws {
    try directory.writeOneByteTensors(["x"], to: "weights.safetensors")
    #expect(try Checkpoint(opening: directory.path).tensors.map(\.name) == ["x"])
    try directory.writeOneByteTensors(["y"], to: "model.safetensors")
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
    #expect(try openingError(directory.path).problem.hasSuffix("found an empty folder"))
    try directory.write("hello", to: "README.md")
    let found = try openingError(directory.path)
    #expect(found.kind == .missingInput)
    #expect(
      found.problem == "expected 'model.safetensors.index.json', 'model.safetensors' or exactly "
        + "one .safetensors file, found 'README.md'")
    try directory.writeOneByteTensors(["x"], to: "one.safetensors")
    try directory.writeOneByteTensors(["x"], to: "two.safetensors")
    let several = try openingError(directory.path)
    #expect(several.kind == .badData)
    #expect(several.problem.hasSuffix("found 'one.safetensors', 'two.safetensors'"))
    #expect(several.hint == "pass the file or its index instead of the folder")
  }

  @Test("a path that does not exist, and one that C would cut short")
  func missing() throws {
    let absent = directory.path("absent")
    #expect(
      try openingError(absent)
        == FormatError(
          .missingInput, file: absent, problem: "cannot be opened: No such file or directory"))
    let path = try directory.writeOneByteTensors(["a"], to: "model.safetensors")
    #expect(try openingError(path + "\0x").problem == "not a usable path")
    #expect(try openingError("").problem == "not a usable path")
  }

  @Test("a shard alone is refused and the index named, whatever the shard is called")
  func singleShard() throws {
    let index = try writeShards()
    let path = directory.path("model-00001-of-00002.safetensors")
    #expect(
      try openingError(path).problem.hasSuffix(
        "one of the 2 shards of 'model.safetensors.index.json'"))
    #expect(try openingError(path).hint == "pass '\(index)' instead")
    try directory.writeOneByteTensors(["a"], to: "odd/first.safetensors")
    try directory.write(
      FileForge.index([("a", "first.safetensors"), ("b", "second.safetensors")]),
      to: "odd/model.safetensors.index.json")
    #expect(try openingError(directory.path("odd/first.safetensors")).problem.contains("2 shards"))
    try directory.writeOneByteTensors(["a"], to: "alone/model-00001-of-00003.safetensors")
    #expect(
      try openingError(directory.path("alone")).problem.hasSuffix(
        "found one of 3 shards by its name"))
    let whole = try directory.writeOneByteTensors(
      ["a"], to: "whole/model-00001-of-00001.safetensors")
    #expect(try Checkpoint(opening: whole).tensors.count == 1)
  }

  @Test("a whole file beside the index of others opens by its own name")
  func leftoverIndex() throws {
    _ = try writeShards()
    let path = try directory.writeOneByteTensors(["x"], to: "model.safetensors")
    #expect(try Checkpoint(opening: path).tensors.map(\.name) == ["x"])
  }

  @Test("a folder with two models is refused, and one with one is opened")
  func folders() throws {
    try directory.write(GGUFModelDefect.llama.bytes, to: "one.gguf")
    #expect(try Checkpoint(opening: directory.path).format == "gguf")
    try directory.write(GGUFModelDefect.llama.bytes, to: "two.gguf")
    let error = #expect(throws: FormatError.self) { try Checkpoint(opening: directory.path) }
    #expect(error?.problem == "expected one model, found 'one.gguf', 'two.gguf'")
  }
}
