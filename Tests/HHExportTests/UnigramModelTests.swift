// A whole model with a unigram vocabulary, as converters write XLM-R.

import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHExport
@testable import HHModel

@Suite("Unigram models")
struct UnigramModelTests {
  private let folder: TemporaryDirectory
  private let source = Fixtures.path("golden/wild/gguf-unigram")

  init() throws { folder = try TemporaryDirectory() }

  /// Prints the ids of a text, and how far the hidden states are from those that are expected.
  private static let judge = """
    import json, os, sys
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
    import torch, transformers
    from safetensors.torch import load_file
    model = transformers.AutoModel.from_pretrained(sys.argv[1], attn_implementation="eager", add_pooling_layer=False).eval().float()
    tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
    want = load_file(sys.argv[2])
    with torch.no_grad():
        hidden = model(input_ids=want["input_ids"]).last_hidden_state
        pair = tokenizer("The fox", "again", return_tensors="pt")
        model(**pair)
    print("near", bool((hidden - want["hidden"]).abs().max() <= 2e-4))
    print("ids", json.dumps(tokenizer(sys.argv[3])["input_ids"]))
    print("pair", json.dumps(pair["input_ids"][0].tolist()))
    """

  @Test(
    "XLM-R from GGUF is a folder whose ids and hidden states are transformers' own",
    .needsPython(with: "torch", "transformers"))
  func transformers() throws {
    let output = try folder.export(source, .hf, to: "out")
    let expected = Fixtures.path("golden/wild/expected/gguf-unigram.safetensors")
    let text = " The fox,  again <mask> and 你好 é"
    let outcome = try Python.run(Self.judge, [output, expected, text])
    let tokenizer = try OpenedModel(opening: source).tokenizer()
    func list(_ ids: [Int32]) -> String { "[" + ids.map(String.init).joined(separator: ", ") + "]" }
    let ids = tokenizer.encodeForModel(text)
    #expect(outcome.output.contains("near True"), "\(outcome.output.suffix(1000))")
    #expect(outcome.output.contains("ids \(list(ids))"), "\(outcome.output.suffix(1000))")
    // XLM-R puts two ends between the texts of a pair.
    let pair = tokenizer.encodeForModel("The fox") + [2] + tokenizer.encode("again") + [2]
    #expect(outcome.output.contains("pair \(list(pair))"), "\(outcome.output.suffix(1000))")
  }

  @Test("its folder and its GGUF file run as it does, with its ids")
  func again() throws {
    let original = try OpenedModel(opening: source)
    let golden = try GoldenTensors(Fixtures.path("golden/wild/expected/gguf-unigram.safetensors"))
    let input = try Models.input(golden)
    let hidden = try original.runner.outputs(for: input).hidden.values
    for (target, name) in [(ExportOptions.Target.hf, "folder"), (.gguf, "again.gguf")] {
      let copy = try OpenedModel(opening: folder.export(source, target, to: name))
      #expect(try copy.runner.outputs(for: input).hidden.values == hidden)
      for text in ["The fox again", " a <mask> b", "\u{e9}\u{4f60}", ""] {
        #expect(
          try copy.tokenizer().encodeForModel(text) == original.tokenizer().encodeForModel(text))
      }
    }
  }
}
