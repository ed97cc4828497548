// Everything a user can choose about an export.

internal import HHFormat
internal import HHModel

/// The settings of one export; the source and the target are required.
package struct ExportOptions: Sendable {
  /// What is written.
  package enum Target: String, Sendable, CaseIterable {
    /// A folder for Hugging Face transformers.
    case hf
    /// The tensors alone, in one safetensors file or several.
    case safetensors
    /// A GGUF file.
    case gguf
    /// A folder with an ONNX model, or that file alone.
    case onnx
  }

  /// An artifact, or a checkpoint of any supported format.
  package var source: String
  /// What is written.
  package var target: Target
  /// Path of the output; nil means the source's name in the working folder.
  package var output: String?
  /// A configuration to use instead of the source's own.
  package var configuration: String?
  /// The element type of the source's floating-point tensors, in lower case: `keep`, or a type that
  /// the target knows.
  package var dtype = "keep"
  /// Most tensor bytes in one file; the output is then a folder.
  package var shardSize: Int?
  /// Whether to write the softmax model that an artifact was converted from.
  package var softmax = false
  /// Whether tensors are left out that the target has no names for: heads of encoders in GGUF.
  package var dropHead = false
  /// The version of ONNX's operators; nil for the lowest that has what the model needs.
  package var opset: Int?
  /// Where ONNX computes the sums of causal linear attention.
  package var linearAttention = ONNXLinearAttention.standard
  /// The model that a delta artifact was made from.
  package var base: String?
  /// A tokenizer in place of the model's own: a folder, or one of its files.
  package var tokenizer: String?
  /// Whether an existing output may be replaced.
  package var force = false

  /// Creates the default settings.
  package init(source: String, target: Target) {
    self.source = source
    self.target = target
  }

  /// Whether the output is a folder.
  var isFolder: Bool {
    switch target {
    case .hf: true
    case .onnx: shardSize != nil || output?.hasSuffix(".onnx") != true
    case .safetensors, .gguf: shardSize != nil
    }
  }

  /// Where the output goes, for a Hedgehog or a softmax model.
  func outputPath(isHedgehog: Bool) -> String {
    if let output { return output }
    // Older versions of transformers cannot load code from a folder with a dot in its name.
    if isFolder { return "\(sourceName)-\(isHedgehog ? "hedgehog-" : "")\(target.rawValue)" }
    return sourceName + (isHedgehog ? ".hedgehog." : ".") + target.rawValue
  }

  /// The source's name without folder and extension.
  var sourceName: String {
    let name = modelName(ofPath: source)
    return name.hasSuffix(artifactSuffix) ? String(name.dropLast(artifactSuffix.count)) : name
  }

  /// The type that `dtype` names, or nil for `keep`; for targets that store F32, F16 and BF16.
  func floatType() throws(PipelineError) -> DType? {
    switch dtype {
    case "keep": nil
    case "f32": .f32
    case "f16": .f16
    case "bf16": .bf16
    default:
      throw .invalidSetting(
        .dtype, problem: "expected keep, f32, f16 or bf16 for \(target.rawValue), found '\(dtype)'")
    }
  }
}

extension SettingKey {
  /// Whether softmax attention comes back.
  static let softmax = SettingKey(option: "softmax")
  /// Whether heads that the target has no names for are left out.
  static let dropHead = SettingKey(option: "drop-head")
  /// The version of ONNX's operators.
  static let opset = SettingKey(option: "opset")
  /// Where ONNX computes the sums of causal linear attention.
  static let linearAttention = SettingKey(option: "linear-attention")
  /// What is exported to.
  static let target = SettingKey(option: "to")
}
