// What the README tells a reader to run.

import Foundation
import HHTestSupport
import Testing

@Suite("README")
struct ReadmeTests {
  /// The README's text.
  private let text: String

  init() throws {
    text = try String(contentsOfFile: "\(Fixtures.root)/README.md", encoding: .utf8)
  }

  @Test("its Python reads an artifact, and kept tensors equal the source's", .needsPython)
  func python() throws {
    let bench = try Bench()
    #expect(try Tool.run(Bench.short("gpt2") + ["-q", "-o", "out"], in: bench.folder).status == 0)
    let start = try #require(text.range(of: "```python\n"))
    let end = try #require(text.range(of: "```", range: start.upperBound..<text.endIndex))
    let snippet = text[start.upperBound..<end.lowerBound]
    let outcome = try Python.run(
      """
      import os, sys
      os.chdir(sys.argv[1])
      sys.path.insert(0, sys.argv[2])
      os.rename("out", "NAME.hedgehog.safetensors.zst")
      \(snippet)
      manifest = artifact.manifest
      from safetensors.numpy import load_file
      source = load_file("models/gpt2/model.safetensors")
      kept = {name for name, entry in manifest["tensors"].items() if entry["origin"] == "kept"}
      assert kept == set(source)
      for name in kept:
          assert tensors[name].shape == source[name].shape, name
          assert tensors[name].tobytes() == source[name].tobytes(), name
      new = tensors["layers.0.attention.feature_map.query.weight"]
      assert new.dtype == np.float32 and new.shape == (4, 16, 16)
      print(len(kept))
      for name, content in files.items():
          assert content == open(f"models/gpt2/{name}", "rb").read(), name
      assert "tokenizer.json" in files
      """, [bench.folder.path, "\(Fixtures.root)/python"])
    #expect(outcome.status == 0, "\(outcome.output)")
    #expect(outcome.output == "40\n")
  }

  @Test("it names every option of convert and every exit status")
  func options() throws {
    let bench = try Bench()
    let help = try Tool.run("help", "convert", in: bench.folder)
    let options = help.output.split(whereSeparator: { " ,\n".contains($0) })
      .filter { $0.hasPrefix("--") && $0 != "--version" && $0 != "--help" }
    #expect(options.count > 10)
    for option in options { #expect(text.contains(option), "\(option)") }
    let named = text.split(separator: "\n").filter { $0.hasPrefix("| ") }
      .compactMap { $0.split(separator: "|").first }
      .flatMap { $0.split(whereSeparator: { " ,".contains($0) }).compactMap { Int($0) } }
    for status in [0, 3, 64, 65, 66, 69, 70, 73, 74, 78, 129, 130, 143] {
      #expect(named.contains(status), "\(status)")
    }
  }
}
