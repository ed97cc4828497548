// Weights that another program quantised are refused by the name of the method.

import HHFormat
import Testing

@Suite("QuantizedWeights")
struct QuantizedWeightsTests {
  private func error(_ change: (inout TensorTable) -> Void) throws -> FormatError {
    var table = try TensorTable(golden: "llama-mha")
    change(&table)
    return try #require(throws: FormatError.self) { try table.matched() }
  }

  static let settings: [(String, JSONValue, String)] = [
    ("quantization_config", ["quant_method": "bitsandbytes"], "'bitsandbytes'"),
    ("quantization_config", ["load_in_4bit": true, "load_in_8bit": false], "bitsandbytes"),
    ("quantization_config", ["quant_method": "gptq", "bits": 4], "GPTQ"),
    ("quantization_config", ["quant_method": "awq"], "AWQ"),
    ("quantization_config", ["quant_method": "fp8"], "FP8"),
    ("quantization_config", ["quant_method": "compressed-tensors"], "'compressed-tensors'"),
    ("quantization", ["group_size": 64, "bits": 4], "MLX"),
    ("quantization_config", ["group_size": 64, "bits": 4], "MLX"),
  ]

  @Test("the configuration says how", arguments: settings)
  func configuration(key: String, value: JSONValue, method: String) throws {
    let error = try error { $0.configuration?[key] = value }
    #expect(error.kind == .unsupported && error.file == "config")
    #expect(error.place == "key '\(key)'")
    #expect(error.problem.hasSuffix("quantised by \(method)"))
    #expect(error.hint?.contains("dequantise") == true)
  }

  @Test(
    "the tensors show it",
    arguments: [
      ("model.layers.0.mlp.up_proj.qweight", DType.i32, "GPTQ or AWQ"),
      ("model.layers.0.mlp.up_proj.weight.absmax", .u8, "bitsandbytes"),
      ("model.layers.0.mlp.up_proj.SCB", .f32, "bitsandbytes"),
      ("model.layers.0.mlp.up_proj.weight", .u32, "MLX"),
      ("model.layers.0.mlp.up_proj.weight", .f8E4M3, "FP8"),
      ("model.layers.0.mlp.up_proj.weight_scale_inv", .f32, "FP8"),
    ])
  func tensors(name: String, dtype: DType, method: String) throws {
    let error = try error {
      $0.tensors.append(TensorDescriptor(name: name, dtype: dtype, shape: [1], byteRange: 0..<0))
    }
    #expect(error.kind == .unsupported && error.place == "tensor '\(name)'")
    #expect(error.problem.hasSuffix("quantised by \(method)"))
  }

  @Test("an empty setting says nothing")
  func none() throws {
    var table = try TensorTable(golden: "llama-mha")
    table.configuration?["quantization_config"] = .null
    _ = try table.matched()
  }
}
