// gguf-py and transformers as judges of the GGUF files that we write.

import HHData
import HHExport
import HHFormat
import HHTestSupport
import Testing

@Suite("GGUF against Python", .needsPython(with: "gguf"))
struct GGUFPythonTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func export(_ folder: String, _ type: GGMLType?, to name: String) throws -> String {
    let source = try Checkpoint(opening: folder)
    var options = GGUFModelExport.Options()
    options.type = type
    let export = try GGUFModelExport(
      checkpoint: source, names: NameMap(source),
      tokenizer: try TokenizerLoader.load(of: source), files: ModelFiles(of: source),
      options: options)
    return try export.write(to: directory.path(name))[0]
  }

  @Test("gguf-py reads every type that we write and finds our values", arguments: GGMLType.writable)
  func values(_ type: GGMLType) throws {
    let path = try export(Fixtures.path("models/llama"), type, to: "m.gguf")
    let program = """
      import sys, numpy
      from gguf import GGUFReader, quants
      from safetensors.numpy import load_file
      found = {t.name: t for t in GGUFReader(sys.argv[1]).tensors}
      expected = load_file(sys.argv[2] + "/model.safetensors")["model.layers.0.mlp.up_proj.weight"]
      tensor = found["blk.0.ffn_up.weight"]
      values = quants.dequantize(tensor.data, tensor.tensor_type).reshape(expected.shape)
      error = numpy.sqrt(((values - expected) ** 2).sum() / (expected ** 2).sum())
      print(len(found), bool(error <= 0.6))
      """
    let result = try Python.run(program, [path, Fixtures.path("models/llama")])
    #expect(result.output == "29 True\n")
  }

  @Test(
    "transformers loads our file and gives the source's logits",
    .needsPython(with: "torch", "transformers"), arguments: ["gpt2", "llama"])
  func logits(_ name: String) throws {
    let folder = Fixtures.path("models/\(name)")
    _ = try export(folder, nil, to: "m.gguf")
    // The configuration is given: transformers takes neither the number of positions nor the width
    // of the MLP from a GGUF file of GPT-2.
    let program = """
      import sys
      try:
          import torch
          from transformers import AutoConfig, AutoModelForCausalLM as Model
      except ImportError:
          print("\\nabsent")
          sys.exit()
      config = AutoConfig.from_pretrained(sys.argv[2])
      ours = Model.from_pretrained(sys.argv[1], gguf_file="m.gguf", config=config).eval()
      theirs = Model.from_pretrained(sys.argv[2]).eval()
      ids = torch.arange(64).reshape(2, 32) * 5
      print("\\n", bool((ours(ids).logits - theirs(ids).logits).abs().max() <= 2e-4))
      """
    let result = try Python.run(program, [directory.path, folder])
    let last = result.output.split(separator: "\n").last.map(String.init)
    #expect([" True", "absent"].contains(last), "\(result.output)")
  }
}
