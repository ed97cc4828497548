// Lists of models with settings, and what is no list.

import HHFormat
import HHTestSupport
import Testing

@testable import HHPipeline

@Suite("ModelList")
struct ModelListTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func list(_ text: String, _ name: String = "zoo.yaml") throws -> ModelList? {
    try ModelList(at: directory.write(text, to: name))
  }

  private func refusal(_ text: String) -> FormatError? {
    do {
      _ = try WorkList.units(
        of: [directory.write(text, to: "zoo.yaml")], outputFolder: "out")
      return nil
    } catch { return error as? FormatError }
  }

  @Test("settings of all come before those of a model, in YAML and in JSON")
  func entries() throws {
    for (text, name) in [
      (
        """
        settings: {steps: 3, window: 8}
        models:
          - a
          - model: b
            output: wide.hst
            window: 16
        """, "zoo.yaml"
      ),
      (
        #"{"settings": {"steps": 3, "window": 8}, "models": ["a", {"model": "b", "output": "wide.hst", "window": 16}]}"#,
        "zoo.json"
      ),
    ] {
      let entries = try #require(try list(text, name)).entries
      #expect(entries.map(\.model) == ["a", "b"] && entries.map(\.output) == [nil, "wide.hst"])
      #expect(entries[0].settings.options.map(\.name) == ["steps", "window"])
      #expect(entries[1].settings.options.map(\.value) == [3, 8, 16])
    }
    let units = try WorkList.units(of: [directory.path("zoo.yaml")], outputFolder: "out")
    #expect(units.map(\.output) == ["out/a.hedgehog.safetensors.zst", "out/wide.hst"])
  }

  @Test("other files are none: the index of a checkpoint, weights, lists of paths")
  func others() throws {
    #expect(try list(#"{"weight_map": {}}"#, "model.safetensors.index.json") == nil)
    #expect(try list("a\n", "zoo.txt") == nil)
  }

  @Test(
    "a model twice, two models for one output and what is no list are refused, each by its place",
    arguments: [
      ("models: [a, a]", "line 1, models[1]", "found 'a' twice"),
      ("models:\n  - {model: a, output: x}\n  - {model: b, output: x}", "", "'a' and 'b'"),
      ("models: [x/a, y/a]", "", "'x/a' and 'y/a'"),
      ("models: []", "line 1, models", "found none"),
      ("models: [{steps: 3}]", "line 1, models[0]", "expected the key 'model'"),
      ("models: [{model: 3}]", "line 1, models[0]", "'model': expected a path, found 3"),
      ("models: [{model: a, output: b/c}]", "line 1, models[0]", "found 'b/c'"),
      ("settings: 3\nmodels: [a]", "line 1, settings", "found 3"),
      ("model: [a]", "line 1, model", "found 'model'"),
      ("- a", "", "found no keys"),
    ])
  func refusals(_ text: String, _ place: String, _ problem: String) throws {
    let error = try #require(refusal(text))
    #expect(error.place == place && error.problem.contains(problem), "\(error)")
  }
}
