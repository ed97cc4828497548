// The readers of the small files that change what a model's weights mean.

internal import HHData
import HHFormat
internal import HHModel
package import HHTestSupport

/// Reads one of the two files of an adapter, the other beside it, with the model that the adapter
/// was trained on.
package struct AdapterProbe: ReaderProbe {
  private let folder: TemporaryDirectory
  private static let goldens = ["llama-patterns", "gpt2-transposed", "bert-classifier"]
  private static let names = ["adapter_config.json", "adapter_model.safetensors"]

  private static func path(_ golden: String, _ file: String) -> String {
    Fixtures.path("golden/adapters/\(golden)/\(file)")
  }

  package init(in folder: TemporaryDirectory) throws {
    self.folder = folder
    for golden in Self.goldens {
      for name in Self.names {
        // The folder's name is that of the file which is replaced.
        for changed in Self.names where changed != name {
          let bytes = try content(of: Self.path(golden, "adapter/\(name)"))
          try folder.write(bytes, to: "\(golden)/\(changed)/\(name)")
        }
      }
    }
  }

  package static func seeds() throws -> [[UInt8]] {
    try goldens.flatMap { golden in
      try names.map { try content(of: path(golden, "adapter/\($0)")) }
    }
  }

  package func read(_ bytes: [UInt8]) throws {
    let name = bytes.first == UInt8(ascii: "{") ? Self.names[0] : Self.names[1]
    var refusal: FormatError?
    for golden in Self.goldens {
      try folder.write(bytes, to: "\(golden)/\(name)/\(name)")
      let model: OpenedModel
      do throws(FormatError) {
        model = try OpenedModel(
          opening: folder.path("\(golden)/\(name)"), base: Self.path(golden, "base"))
      } catch {
        refusal = error
        continue
      }
      for tensor in model.checkpoint.tensors {
        var floats = [Float](repeating: 0, count: tensor.elementCount)
        var span = floats.mutableSpan
        // A sum may be too large for a float, which is an error of its own.
        do throws(FormatError) {
          try model.checkpoint.readFloats(of: tensor.name, into: &span)
        } catch {
          continue
        }
        try require(floats.allSatisfy { !$0.isNaN }, "no number in \(tensor.name)")
      }
      return
    }
    if let refusal { throw refusal }
  }
}

/// Reads `config.json` of an export of a converted model, which says what its feature maps are.
package struct ExportedConfigurationProbe: ReaderProbe {
  private let folder: TemporaryDirectory

  package init(in folder: TemporaryDirectory) throws {
    self.folder = folder
    let golden = Fixtures.path("golden/forward/gpt2-base/model.safetensors")
    try folder.write(try content(of: golden), to: "model.safetensors")
  }

  package static func seeds() throws -> [[UInt8]] {
    var configuration = try JSONObject(
      contentsOf: Fixtures.path("golden/forward/gpt2-base/config.json"))
    configuration["model_type"] = .string("hedgehog_gpt2")
    configuration["architectures"] = .array([.string("HedgehogGPT2LMHeadModel")])
    configuration["hedgehog"] = .object([
      "source_model_type": .string("gpt2"), "feature_map": .string("elu"),
      "feature_size": .integer(5), "bias": .bool(false), "key_maps": .string("key-value-head"),
      "epsilon": .number(1e-12), "epsilon_placement": .string("added-to-denominator"),
      "softmax_layers": .array([.integer(1)]),
    ])
    return [Array(JSONValue.object(configuration).text.utf8)]
  }

  package func read(_ bytes: [UInt8]) throws {
    try folder.write(bytes, to: "config.json")
    _ = try OpenedModel(opening: folder.path)
  }
}

/// Reads `generation_config.json`, which says where texts end.
package struct GenerationProbe: ReaderProbe {
  private let folder: TemporaryDirectory

  package init(in folder: TemporaryDirectory) throws {
    self.folder = folder
    let golden = Fixtures.path("golden/forward/gpt2-base")
    for name in ["model.safetensors", "config.json"] {
      try folder.write(try content(of: "\(golden)/\(name)"), to: name)
    }
    try folder.write(try TokenizerProbe.seeds()[0], to: "tokenizer.json")
  }

  package static func seeds() throws -> [[UInt8]] {
    let texts = [
      #"{"bos_token_id":0,"eos_token_id":[1,2,3],"max_length":20,"do_sample":true}"#,
      #"{"eos_token_id":2}"#, #"{"eos_token_id":null,"pad_token_id":-1}"#,
    ]
    return texts.map { Array($0.utf8) }
  }

  package func read(_ bytes: [UInt8]) throws {
    try folder.write(bytes, to: "generation_config.json")
    let checkpoint = try Checkpoint(opening: folder.path)
    guard let tokenizer = try TokenizerLoader.load(of: checkpoint) else { return }
    try require(tokenizer.special.ends.allSatisfy { $0 >= 0 }, "ends \(tokenizer.special.ends)")
    use(tokenizer)
  }
}
