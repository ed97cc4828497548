// Conversions that choose which layers keep softmax.

import Foundation
import HHFormat
import HHTestSupport
import Testing

@Suite("Layers chosen to keep softmax")
struct ChosenLayersTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("layers that are chosen to keep softmax leave the model that they leave when given")
  func chosenLayers() throws {
    let arguments = try bench.few("llama") + ["--window", "4", "--finetune-steps", "2"]
    let chosen = try Tool.run(
      arguments + ["--keep-softmax", "auto:1", "--run", "run", "--json", "-o", "a"],
      in: bench.folder)
    #expect(chosen.status == 0, "\(chosen.errors)")
    let events = try chosen.lines.map { try JSONValue(parsing: Array($0.utf8)) }
    let event = try #require(events.first { $0["event"]?.string == "kept" })
    let layers = (event["softmax_layers"]?.array ?? []).compactMap(\.integer)
    #expect(layers.count == 1)
    let given = try Tool.run(
      arguments + ["--keep-softmax", "\(layers[0])", "-o", "b"], in: bench.folder)
    #expect(given.status == 0, "\(given.errors)")
    let (a, b) = (
      try ArtifactReader(at: bench.folder.path("a")), try ArtifactReader(at: bench.folder.path("b"))
    )
    #expect(a.manifest.description.linearAttention?.softmaxLayers == layers)
    #expect(a.manifest.tensors.map(\.name) == b.manifest.tensors.map(\.name))
    #expect(a.manifest.tensors.map(\.sha256) == b.manifest.tensors.map(\.sha256))
    #expect(try Tool.run("verify", "a", in: bench.folder).status == 0)
  }

  @Test(
    "a choice of layers that cannot be made is refused before any work",
    arguments: [
      (["models/llama", "--keep-softmax", "auto:3"], "expected fewer than the model's 3 layers"),
      (["models/llama", "--keep-softmax", "auto:0"], "or auto:3, found 'auto:0'"),
      (
        ["models/bert", "--keep-softmax", "auto:1"], "expected a decoder with a language-model head"
      ),
      (
        ["models/llama", "--keep-softmax", "auto:1", "--stages", "rewrite"],
        "--keep-softmax: expected the stage 'distil'"
      ),
    ])
  func impossibleChoices(_ arguments: [String], _ message: String) throws {
    let outcome = try Tool.run(arguments + ["-o", "out"], in: bench.folder)
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(try !bench.contents.contains("out"))
  }
}
