// The reader of configurations, with the matching of names and shapes that rests on it.

import HHFormat
internal import HHModel
package import HHTestSupport

/// Reads `config.json` for the golden model of its model type.
package struct ConfigurationProbe: ReaderProbe {
  private let folder: TemporaryDirectory
  private let models: [(type: String, checkpoint: Checkpoint)]

  private static let goldens = ["gpt2-base", "bert-model", "vit-model", "llama-llama3-rope"]

  private static func path(_ golden: String, _ file: String) -> String {
    Fixtures.path("golden/forward/\(golden)/\(file)")
  }

  package init(in folder: TemporaryDirectory) throws {
    self.folder = folder
    models = try Self.goldens.map { golden in
      let checkpoint = try Checkpoint(opening: Self.path(golden, "model.safetensors"))
      return (checkpoint.configuration?["model_type"]?.string ?? "", checkpoint)
    }
  }

  package static func seeds() throws -> [[UInt8]] {
    try goldens.map { try content(of: path($0, "config.json")) }
  }

  package func read(_ bytes: [UInt8]) throws {
    let path = try folder.write(bytes, to: "config.json")
    let configuration = try JSONObject(contentsOf: path)
    let type = configuration["model_type"]?.string
    let model = models.first { $0.type == type } ?? models[0]
    func map(_ configuration: JSONObject) throws(FormatError) -> NameMap {
      let names = try NameMap(
        tensors: model.checkpoint.tensors, configuration: configuration, configurationPath: path,
        checkpointPath: model.checkpoint.path)
      _ = try Graph(names)
      return names
    }
    let names = try map(configuration)
    let again = try promised("writing it") {
      let copy = try JSONObject(
        contentsOf: try folder.write(JSONValue.object(configuration).text, to: "copy.json"))
      try require(copy == configuration, "the copy is another configuration")
      return try map(copy)
    }
    try require(
      names.entries.map(\.role) == again.entries.map(\.role), "the copy gives other roles")
    for key in names.schema.configuration {
      try require(
        names.hyperparameters.value(key.name) == again.hyperparameters.value(key.name),
        "the copy gives another '\(key.name)'")
    }
  }
}
