// Models as other programs write them, against what transformers computes with them.

import HHCompute
import HHFormat
import HHModel
import HHTestSupport
import ModelTestSupport
import Testing

@Suite("Models from other programs")
struct WildModelsTests {
  /// The models of `golden/wild`, each of one kind that is read.
  static let names: [String] = {
    let index = try? JSONObject(contentsOf: Fixtures.path("golden/wild/index.json"))
    return (index?["models"]?.array ?? []).compactMap { $0["name"]?.string }
  }()

  @Test("the list is there")
  func list() { #expect(Self.names.count >= 25) }

  @Test("logits or hidden states are the reference's", arguments: names)
  func equalsReference(_ name: String) throws {
    let folder = Fixtures.path("golden/wild/\(name)")
    let golden = try GoldenTensors(Fixtures.path("golden/wild/expected/\(name).safetensors"))
    let outputs = try OpenedModel(opening: folder).runner.outputs(for: Models.input(golden))
    let expected = try golden.floats("logits")
    if expected.isEmpty {
      #expect(try maximumDifference(outputs.hidden.values, golden.floats("hidden")) <= 2e-4)
    } else {
      let logits = try #require(outputs.logits)
      #expect(maximumDifference(logits.values, expected) <= 2e-4)
    }
  }
}
