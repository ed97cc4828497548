// What inspect shows of a checkpoint.

import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHAnalysis

@Suite("Inspection")
struct InspectionTests {
  @Test("a checkpoint's architecture, roles and sizes", arguments: Models.golden)
  func checkpoint(_ name: String) throws {
    let path = Fixtures.path("golden/forward/\(name)")
    let inspection = try Inspection(of: path)
    let source = try Checkpoint(opening: path)
    #expect(inspection.format == "safetensors" && inspection.manifest == nil)
    #expect(inspection.obstacle == nil)
    #expect(inspection.architecture.map { name.hasPrefix($0) } == true)
    #expect(inspection.tensors.map(\.name) == source.tensors.map(\.name))
    #expect(inspection.tensors.allSatisfy { !$0.note.isEmpty })
    #expect(inspection.byteCount == source.byteCount)
    #expect(
      inspection.dtypes.reduce(0) { $0 + $1.count } == inspection.tensors.count
        && inspection.dtypes.reduce(0) { $0 + $1.byteCount } == inspection.byteCount)
  }

  @Test("dropped tensors are called so, element types are counted")
  func notes() throws {
    let bert = try Inspection(of: Fixtures.path("golden/forward/bert-old-names"))
    let ids = try #require(bert.tensors.first { $0.name.hasSuffix("position_ids") })
    #expect(ids.note == "dropped: 0, 1, 2, …, a constant buffer")
    #expect(Set(bert.dtypes.map(\.dtype)) == [.f32, .i64])
    let half = try Inspection(of: Fixtures.path("golden/forward/gpt2-model-f16"))
    #expect(half.dtypes.map(\.dtype) == [.f16])
    #expect(half.byteCount == 2 * half.parameterCount)
  }

  @Test("a file of no known architecture is shown all the same, with the reason")
  func unknown() throws {
    let directory = try TemporaryDirectory()
    var forge = FileForge(seed: 1)
    let path = try directory.write(
      try forge.safetensors([("a", .f32, [2, 3]), ("b", .i64, [])]), to: "model.safetensors")
    let inspection = try Inspection(of: path)
    #expect(inspection.architecture == nil)
    #expect(
      inspection.obstacle?.description.contains("tensor names of no known architecture") == true)
    #expect(inspection.tensors.map(\.note) == ["", ""])
    #expect(inspection.parameterCount == 7 && inspection.byteCount == 32)
    let lines = inspection.text().split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.contains("architecture  unknown"))
    #expect(lines.contains { $0.hasPrefix("note          not convertible as it is: \(path): ") })
    #expect(lines.suffix(2).map { $0.split(separator: " ").first } == ["a", "b"])
  }

  @Test("the JSON holds what the text shows")
  func json() throws {
    let inspection = try Inspection(of: Fixtures.path("golden/forward/llama-gqa"))
    let value = try JSONValue(parsing: Array(inspection.jsonLine().utf8))
    #expect(!inspection.jsonLine().contains("\n"))
    #expect(value["architecture"] == .string("llama"))
    #expect(value["parameters"]?.integer == inspection.parameterCount)
    #expect(value["manifest"] == .null && value["obstacle"] == .null)
    let tensors = try #require(value["tensors"]?.array)
    #expect(tensors.count == inspection.tensors.count)
    for (json, tensor) in zip(tensors, inspection.tensors) {
      #expect(json["name"] == .string(tensor.name) && json["note"] == .string(tensor.note))
      #expect(json["shape"]?.array?.compactMap(\.integer) == tensor.shape)
      #expect(json["dtype"] == .string(tensor.dtype.rawValue))
    }
    #expect(inspection.text().contains("architecture  llama"))
  }

  @Test("an artifact is told by its first bytes, however short the file")
  func magic() throws {
    let directory = try TemporaryDirectory()
    for (bytes, expected) in [
      ([], false), ([0x28, 0xB5, 0x2F], false), ([0x28, 0xB5, 0x2F, 0xFD], true),
      ([0x28, 0xB5, 0x2F, 0xFE, 0], false),
    ] as [([UInt8], Bool)] {
      let path = try directory.write(bytes, to: "file")
      #expect(try Inspection.isArtifact(path) == expected)
      #expect(throws: FormatError.self) { try Inspection(of: path) }
    }
    #expect(try !Inspection.isArtifact(directory.path))
  }
}
