// Checkpoints that cannot be converted: one clear line, the right exit status, nothing left behind.

import HHFormat
import HHTestSupport
import Testing

/// A fixture with one thing wrong.
struct BadModel: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let model: String
  let status: Int32
  let message: String
  let change: @Sendable (inout ModelCopy) -> Void

  init(
    _ name: String, of model: String = "gpt2", _ status: Int32, _ message: String,
    change: @escaping @Sendable (inout ModelCopy) -> Void
  ) {
    testDescription = name
    self.model = model
    self.status = status
    self.message = message
    self.change = change
  }

  private static let bias = "transformer.h.1.attn.c_proj.bias"

  static let all: [BadModel] = tensors + configurations

  private static let tensors = [
    BadModel(
      "names of no known architecture", 69, "bad: tensor names of no known architecture: expected",
      change: { model in
        for index in model.tensors.indices { model.tensors[index].name += "?" }
        model.configuration = [:]
      }),
    BadModel("missing tensor", 65, "tensor '\(bias)': missing", change: { $0.remove(bias) }),
    BadModel("extra tensor", 65, "tensor 'extra': ", change: { $0.add("extra") }),
    BadModel(
      "wrong shape", 65, "tensor '\(bias)': wrong shape: expected [64] ([n_embd]), found [8, 8]",
      change: { $0.change(bias) { $0.shape = [8, 8] } }),
    BadModel(
      "weights of I64", 69, "tensor '\(bias)': expected dtype F32, F16, BF16 or F64, found I64",
      change: {
        $0.change(bias) {
          $0.dtype = .i64
          $0.bytes += $0.bytes
        }
      }),
    BadModel(
      "weights of F8_E4M3", 69,
      "tensor '\(bias)': expected dtype F32, F16, BF16 or F64, found F8_E4M3",
      change: {
        $0.change(bias) {
          $0.dtype = .f8E4M3
          $0.bytes = Array($0.bytes.prefix(64))
        }
      }),
    BadModel(
      "an infinite weight", 65,
      "tensor '\(bias)': expected finite weights, found one that is not at element 1",
      change: { $0.change(bias) { $0.bytes.replaceSubrange(4..<8, with: [0, 0, 0x80, 0x7F]) } }),
    BadModel(
      "a tied head with values of its own", 65,
      "tensor 'lm_head.weight': 'tie_word_embeddings' is true: expected the values of",
      change: { model in
        for var tensor in model.tensors where tensor.name == "transformer.wte.weight" {
          tensor.name = "lm_head.weight"
          tensor.bytes[0] ^= 1
          model.tensors.append(tensor)
        }
      }),
  ]

  private static let configurations = [
    BadModel(
      "model_type qwen2", 69,
      "bad/config.json: key 'model_type': expected gpt2, bert, vit or llama, found 'qwen2'",
      change: { $0.configuration["model_type"] = .string("qwen2") }),
    BadModel(
      "model_type of another architecture", 65,
      "key 'model_type': contradicts the tensors: expected 'gpt2' by their names, found",
      change: {
        $0.configuration["model_type"] = .string("llama")
        $0.configuration["architectures"] = nil
      }),
    BadModel(
      "a class of another architecture", 65, "key 'architectures': contradicts 'model_type'",
      change: { $0.configuration["architectures"] = .array([.string("BertModel")]) }),
    BadModel(
      "more layers than tensors", 65,
      "bad/config.json: key 'n_layer': contradicts the tensors: expected 3 layers, found 4",
      change: { $0.configuration["n_layer"] = .integer(4) }),
    BadModel(
      "fewer layers than tensors", 65,
      "bad/config.json: key 'n_layer': contradicts the tensors: expected 3 layers, found 2",
      change: { $0.configuration["n_layer"] = .integer(2) }),
    BadModel(
      "another hidden size", 65, "found [",
      change: { $0.configuration["n_embd"] = .integer(32) }),
    BadModel(
      "heads that do not divide the hidden size", 65, "key 'n_head': expected a divisor of",
      change: { $0.configuration["n_head"] = .integer(5) }),
    BadModel(
      "no heads", 65, "key 'n_head': expected at least 1, found 0",
      change: { $0.configuration["n_head"] = .integer(0) }),
    BadModel(
      "a text for a number", 65, "key 'n_head': expected a whole number below",
      change: { $0.configuration["n_head"] = .string("4") }),
    BadModel(
      "no positions", of: "llama", 65, "key 'max_position_embeddings': expected at least 1",
      change: { $0.configuration["max_position_embeddings"] = .integer(0) }),
    BadModel(
      "cross attention", 69, "key 'add_cross_attention': expected false, found true",
      change: { $0.configuration["add_cross_attention"] = .bool(true) }),
    BadModel(
      "an unknown activation", 69, "key 'activation_function': expected",
      change: { $0.configuration["activation_function"] = .string("snake") }),
    BadModel(
      "an unknown rotary scaling", of: "llama", 69, "found",
      change: {
        $0.configuration["rope_parameters"] = .object([
          "rope_type": .string("spiral"), "rope_theta": .number(10_000),
        ])
      }),
    BadModel(
      "an image that patches do not fill", of: "vit", 65, "key 'patch_size': expected a divisor of",
      change: { $0.configuration["image_size"] = .integer(18) }),
  ]
}

@Suite("Convert: checkpoints it refuses")
struct BadModelTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("a checkpoint with one thing wrong", arguments: BadModel.all)
  func refuses(_ bad: BadModel) throws {
    var model = try ModelCopy(bad.model)
    bad.change(&model)
    try model.write(to: "bad", in: bench.folder)
    let outcome = try Tool.run("bad", "-o", "out", in: bench.folder)
    #expect(outcome.status == bad.status)
    expectError(outcome, bad.message)
    #expect(try bench.contents == ["bad"])
  }

  @Test("something else than a checkpoint")
  func noCheckpoint() throws {
    let bytes = try [UInt8](bench.bytes("models/gpt2/model.safetensors"))
    try bench.folder.write(Array(bytes.dropLast(1)), to: "short.safetensors")
    try bench.folder.write(Array(bytes.prefix(100)), to: "shorter.safetensors")
    try bench.folder.write([], to: "empty.safetensors")
    try bench.folder.write(bytes, to: "shard/model-00001-of-00002.safetensors")
    let cases: [(path: String, status: Int32, message: String)] = [
      ("nowhere", 66, "error: nowhere: cannot be opened: No such file or directory"),
      ("", 66, "error: '': not a usable path"),
      ("data", 66, "error: data: expected 'model.safetensors.index.json', 'model.safetensors' or"),
      ("data/corpus.txt", 65, "not a checkpoint: expected safetensors, found text"),
      ("models/gpt2/config.json", 65, "error: models/gpt2/config.json: "),
      ("/dev/null", 65, "error: /dev/null: expected a file or folder, found a device"),
      ("short.safetensors", 65, "error: short.safetensors: "),
      ("shorter.safetensors", 65, "error: shorter.safetensors: "),
      ("empty.safetensors", 65, "error: empty.safetensors: "),
      ("shard", 65, "expected a whole checkpoint, found one of 2 shards by its name"),
    ]
    let before = try bench.contents
    for bad in cases {
      let outcome = try Tool.run(bad.path, in: bench.folder)
      #expect(outcome.status == bad.status, "\(outcome)")
      expectError(outcome, bad.message)
    }
    #expect(try bench.contents == before)
  }

  @Test("a broken or absent configuration")
  func configuration() throws {
    try bench.folder.write("{", to: "broken.json")
    let broken = try Tool.run("models/gpt2", "--config", "broken.json", in: bench.folder)
    #expect(broken.status == 65)
    expectError(broken, "error: broken.json: ")
    let absent = try Tool.run("models/gpt2", "--config", "nowhere.json", in: bench.folder)
    #expect(absent.status == 66)
    expectError(absent, "error: nowhere.json: cannot be opened")
  }
}
