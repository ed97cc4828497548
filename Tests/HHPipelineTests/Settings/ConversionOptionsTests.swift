// Names of artifacts.

import Testing

@testable import HHModel
@testable import HHPipeline

@Suite("ConversionOptions")
struct ConversionOptionsTests {
  @Test(
    "an artifact is named for its model: the folder's name where the file's says nothing",
    arguments: [
      ("models/gpt2", "gpt2"), ("models/gpt2/", "gpt2"), ("./models/gpt2/.", "gpt2"),
      ("models/gpt2/model.safetensors", "gpt2"), ("model.safetensors", "model"),
      ("../model.safetensors", "model"), ("x/tiny.safetensors", "tiny"),
      ("x/model.safetensors.index.json", "x"), ("x/tiny.safetensors.index.json", "tiny"),
      ("x/tiny-Q8_0.gguf", "tiny-Q8_0"), ("x/model.gguf", "x"),
      ("x/model-00001-of-00003.gguf", "x"), ("x/tiny-q4-00001-of-00003.gguf", "tiny-q4"),
      ("x/model-00001-of-00001.safetensors", "x"), ("x/one-of-two.gguf", "one-of-two"),
      ("x/a-0001-of-00003.gguf", "a-0001-of-00003"), (".", "model"), ("/", "model"),
    ])
  func names(_ path: String, _ name: String) {
    #expect(
      ConversionOptions(model: path, threads: 1).outputPath == "\(name).hedgehog.safetensors.zst")
  }
}
