// The tensor table and configuration of a golden model, to be changed before it is matched.

import HHFormat
import HHTestSupport
import Testing

/// What naming sees of a checkpoint; no bytes are behind it.
struct TensorTable {
  var tensors: [TensorDescriptor]
  var configuration: JSONObject?

  /// The table of `fixtures/golden/forward/NAME`.
  init(golden name: String) throws {
    let checkpoint = try Checkpoint(opening: Fixtures.path("golden/forward/\(name)"))
    tensors = checkpoint.tensors
    configuration = checkpoint.configuration
  }

  /// The error of matching the table of a golden model after a change.
  static func error(
    _ golden: String, _ change: (inout TensorTable) -> Void
  ) throws -> FormatError {
    var table = try TensorTable(golden: golden)
    change(&table)
    return try #require(throws: FormatError.self) { try table.matched() }
  }

  /// Matches the table as the files 'model' and 'config' would be.
  func matched() throws(FormatError) -> NameMap {
    try NameMap(
      tensors: tensors, configuration: configuration,
      configurationPath: configuration == nil ? nil : "config", checkpointPath: "model")
  }

  /// Adds a tensor, or gives one of that name another shape.
  mutating func set(_ name: String, _ shape: [Int]) {
    tensors.removeAll { $0.name == name }
    tensors.append(TensorDescriptor(name: name, dtype: .f32, shape: shape, byteRange: 0..<0))
  }

  /// Takes every tensor away whose name contains a text.
  mutating func remove(_ part: String) { tensors.removeAll { $0.name.contains(part) } }

  /// Renames tensors.
  mutating func rename(_ change: (String) -> String) {
    tensors = tensors.map {
      TensorDescriptor(
        name: change($0.name), dtype: $0.dtype, shape: $0.shape, byteRange: $0.byteRange)
    }
  }

  /// Keeps only these keys of the configuration.
  mutating func keep(_ keys: String...) {
    var kept = JSONObject()
    for key in keys { kept[key] = configuration?[key] }
    configuration = kept
  }

  static let names = [
    "bert-classifier", "bert-masked-lm", "bert-model", "bert-old-names", "gpt2-base",
    "gpt2-gelu-untied", "gpt2-inverse-layer", "gpt2-model-f16", "gpt2-relu-unprefixed",
    "llama-bf16", "llama-bias-linear-rope", "llama-gqa", "llama-llama3-rope", "llama-mha",
    "llama-mqa-head-dim", "vit-classifier", "vit-memory-names", "vit-model", "vit-no-qkv-bias",
  ]
}
