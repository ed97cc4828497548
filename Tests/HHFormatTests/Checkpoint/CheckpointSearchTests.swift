// Which files of a tree are checkpoints; what is in them does not matter.

import HHFormat
import HHTestSupport
import Testing

@Suite("CheckpointSearch")
struct CheckpointSearchTests {
  /// Files of a folder, and the checkpoints in it relative to it; "" is the folder itself.
  static let cases: [(files: [String], found: [String])] = [
    ([], []),
    (["config.json", "model.safetensors", "tokenizer.json"], [""]),
    (["config.json", "weights.safetensors"], [""]),
    (
      [
        "config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
      ], [""]
    ),
    (["config.json", "a.safetensors", "b.safetensors"], ["a.safetensors", "b.safetensors"]),
    (["model.safetensors"], ["model.safetensors"]),
    (["b.safetensors", "a.gguf", "notes.md"], ["b.safetensors", "a.gguf"]),
    (["model-00001-of-00001.safetensors"], ["model-00001-of-00001.safetensors"]),
    (["x-00002-of-00003.safetensors", "x.safetensors.index.json"], ["x.safetensors.index.json"]),
    (["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"], ["m-00001-of-00002.gguf"]),
    (["config.json", "m.gguf"], ["m.gguf"]),
    (["config.json", "model.safetensors", "m-Q8_0.gguf"], ["", "m-Q8_0.gguf"]),
    (
      ["z/model.safetensors", "a/config.json", "a/model.safetensors"], ["a", "z/model.safetensors"]
    ),
    (["config.json", "model.safetensors", "1_Pooling/config.json"], [""]),
    ([".cache/model.safetensors", ".hidden.safetensors", "m.hedgehog.safetensors.zst"], []),
    (["adapter_model.safetensors", "adapter_config.json"], []),
  ]

  @Test("each folder's checkpoints, in byte order", arguments: cases)
  func finds(_ files: [String], _ found: [String]) throws {
    let directory = try TemporaryDirectory()
    for file in files { try directory.write("", to: file) }
    let expected = found.map { $0.isEmpty ? directory.path : directory.path($0) }
    #expect(try CheckpointSearch.checkpoints(below: directory.path) == expected)
  }

  @Test("links are followed, but no folder is entered twice, and dead links are passed over")
  func links() throws {
    let directory = try TemporaryDirectory()
    try directory.write("", to: "blobs/b.gguf")
    try directory.link("models/m/x.gguf", to: "../../blobs/b.gguf")
    try directory.link("models/loop", to: "..")
    try directory.link("models/dead.gguf", to: "nowhere")
    #expect(
      try CheckpointSearch.checkpoints(below: directory.path("models"))
        == ["models/loop/blobs/b.gguf", "models/m/x.gguf"].map(directory.path))
  }
}
