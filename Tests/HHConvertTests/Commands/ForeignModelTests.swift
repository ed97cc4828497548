// Models in the formats of other programs: each is refused by its name, with the way out.

import HHFormat
import HHTestSupport
import Testing

@Suite("Convert: formats of other programs")
struct ForeignModelTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  private func expectRefusal(
    _ path: String, _ message: String, status: Int32 = 69,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = try bench.contents
    let outcome = try Tool.run(path, "-o", "out", in: bench.folder)
    #expect(outcome.status == status, "\(outcome)", sourceLocation: sourceLocation)
    expectError(outcome, message, sourceLocation: sourceLocation)
    #expect(outcome.errors.contains("\nhint: "), "\(outcome)", sourceLocation: sourceLocation)
    #expect(try bench.contents == before, sourceLocation: sourceLocation)
  }

  @Test(
    "weights that a method quantised, by its name",
    arguments: [
      ("quantization_config", ["quant_method": "bitsandbytes"], "'bitsandbytes'"),
      ("quantization_config", ["quant_method": "gptq", "bits": 4], "GPTQ"),
      ("quantization_config", ["quant_method": "awq", "bits": 4], "AWQ"),
      ("quantization_config", ["quant_method": "fp8"], "FP8"),
      ("quantization_config", ["quant_method": "compressed-tensors"], "'compressed-tensors'"),
      ("quantization", ["group_size": 64, "bits": 4], "MLX"),
    ] as [(String, JSONValue, String)])
  func quantized(key: String, value: JSONValue, method: String) throws {
    var model = try ModelCopy("llama")
    model.configuration[key] = value
    try model.write(to: "bad", in: bench.folder)
    try expectRefusal(
      "bad",
      "bad/config.json: key '\(key)': expected weights in F32, F16, BF16 or F64, found"
        + " weights quantised by \(method)")
  }

  @Test(
    "tensors that only a method has, without a configuration that says so",
    arguments: [
      ("qweight", DType.i32, "GPTQ or AWQ"), ("weight.absmax", .u8, "bitsandbytes"),
      ("weight", .u32, "MLX"), ("weight_scale_inv", .f32, "FP8"),
    ])
  func quantizedTensors(end: String, dtype: DType, method: String) throws {
    var model = try ModelCopy("llama")
    let name = "model.layers.0.self_attn.q_proj"
    model.change("\(name).weight") { tensor in
      (tensor.name, tensor.dtype, tensor.shape) = ("\(name).\(end)", dtype, [2])
      tensor.bytes = Array(repeating: 0, count: 2 * dtype.bitWidth / 8)
    }
    try model.write(to: "bad", in: bench.folder)
    try expectRefusal(
      "bad",
      "tensor '\(name).\(end)': expected weights in F32, F16, BF16 or F64, found weights"
        + " quantised by \(method)")
  }

  /// Files of other formats: name, first bytes, what they are called.
  private static let files: [(String, [UInt8], String)] = [
    ("model.onnx", [0x08, 0x07, 0x12, 0x04], "ONNX, a graph for running"),
    ("pytorch_model.bin", [0x50, 0x4B, 3, 4], "a PyTorch pickle or zip archive"),
    ("consolidated.00.pth", [0x80, 0x02, 0x8A, 0x0A], "a PyTorch pickle or zip archive"),
    ("model.keras", [0x50, 0x4B, 3, 4], "a Keras archive"),
    ("tf_model.h5", [0x89, 0x48, 0x44, 0x46], "HDF5 (Keras, TensorFlow)"),
    ("saved_model.pb", [0x08, 0x01, 0x12, 0x04], "a TensorFlow model"),
    ("model.ckpt.data-00000-of-00001", [1, 2, 3, 4], "a TensorFlow model"),
    ("model.tflite", [0x1C, 0, 0, 0, 0x54, 0x46, 0x4C, 0x33], "TensorFlow Lite"),
    ("flax_model.msgpack", [0xDE, 0, 5, 0xA9], "MessagePack (Flax, JAX)"),
    ("weights.npz", [0x93] + Array("NUMPY".utf8), "NumPy arrays"),
    ("model.safetensors.gz", [0x1F, 0x8B, 8, 0], "a gzip stream"),
  ]

  @Test("files of other formats, alone and in a folder", arguments: 0..<11)
  func file(_ index: Int) throws {
    let (name, head, found) = Self.files[index]
    try bench.folder.write(head + Array(repeating: 0xAA, count: 100), to: "model/\(name)")
    let message = "model/\(name): not a checkpoint: expected safetensors, found \(found)"
    try expectRefusal("model/\(name)", message)
    try bench.folder.write("{}", to: "model/config.json")
    guard !name.hasSuffix(".gz") else { return }
    try expectRefusal("model", message)
  }

  @Test("a PEFT adapter without its model")
  func adapter() throws {
    try bench.folder.link("adapter", to: Fixtures.path("golden/adapters/llama-plain/adapter"))
    try expectRefusal("adapter", "adapter", status: 66)
  }
}
