// How tensors are distributed over files.

import HHFormat
import Testing

@Suite("ShardLayout")
struct ShardLayoutTests {
  private let tensors: [SafetensorsWriter.Declaration] = [
    ("b", .f32, [10]), ("a", .f32, [10]), ("large", .f32, [100]), ("c", .bf16, [3]),
    ("d", .f32, [2]), ("empty", .f32, [0, 5]),
  ]

  @Test("without a limit there is one file and no index")
  func one() {
    let layout = ShardLayout(tensors, limit: nil)
    #expect(layout.shards.map(\.fileName) == ["model.safetensors"])
    #expect(layout.index == nil)
    #expect(layout.byteCount == 494)
    #expect(layout.shards[0].tensors.map(\.name) == ["a", "b", "d", "empty", "large", "c"])
  }

  @Test("files are filled in order; a larger tensor stands alone")
  func several() throws {
    let layout = ShardLayout(tensors, limit: 80)
    #expect(
      layout.shards.map { $0.tensors.map(\.name) } == [
        ["a", "b"], ["large"], ["d", "empty", "c"],
      ])
    #expect(layout.shards.map(\.fileName).last == "model-00003-of-00003.safetensors")
    let index = try #require(layout.index)
    #expect(index["metadata"]?["total_size"] == .integer(494))
    #expect(index["metadata"]?["total_parameters"] == .integer(125))
    #expect(index["weight_map"]?.object?.keys == ["a", "b", "c", "d", "empty", "large"])
    #expect(index["weight_map"]?["large"] == .string("model-00002-of-00003.safetensors"))
  }

  @Test("a limit that holds everything gives one file")
  func wide() { #expect(ShardLayout(tensors, limit: 494).index == nil) }
}
