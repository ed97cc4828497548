// The real checkpoints are opened and read.

import HHCompute
import HHFormat
import HHTestSupport
import Testing

@Suite("Shared models", .needsSharedFolder)
struct SharedModelsTests {
  @Test(
    "each real model opens from its folder and its file, with its configuration",
    arguments: [
      ("bert-minilm-l6", 104, "bert"), ("gpt2-mini", 52, "gpt2"), ("gpt2-nano-sort", 41, "gpt2"),
      ("llama-stories260k", 47, "llama"), ("vit-mnist", 72, "vit"),
    ])
  func opens(name: String, count: Int, modelType: String) throws {
    let folder = SharedFolder.path("models/\(name)")
    for path in [folder, join(folder, "model.safetensors")] {
      let checkpoint = try Checkpoint(opening: path)
      #expect(checkpoint.tensors.count == count)
      #expect(checkpoint.configuration?["model_type"]?.string == modelType)
      #expect(checkpoint.directory == folder)
      #expect(checkpoint.files.count == 1)
      #expect(checkpoint.sourceFiles == [join(folder, "model.safetensors")])
      #expect(checkpoint.files[0].metadata.map(\.value) == ["pt"])
      for tensor in checkpoint.tensors {
        #expect(try checkpoint.firstNonFinite(tensor.name) == nil)
        #expect(checkpoint[tensor.name] == tensor)
      }
    }
  }

  @Test("a norm's weights are read as the floats they are")
  func reads() throws {
    let checkpoint = try Checkpoint(opening: SharedFolder.path("models/gpt2-mini"))
    let tensor = try #require(checkpoint["transformer.ln_f.weight"] ?? checkpoint["ln_f.weight"])
    var values = [Float](repeating: .nan, count: tensor.elementCount)
    var output = values.mutableSpan
    try checkpoint.readFloats(of: tensor.name, into: &output)
    #expect(values.count == 192)
    #expect(values.allSatisfy { $0 > 0 && $0 < 100 })
  }
}
