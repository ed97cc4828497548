// A configuration that is accepted runs: changing one key at a time gives an error or a model.

import HHCompute
import HHData
import HHFormat
import HHModel
import HHTestSupport
import ModelTestSupport
import Testing

@Suite("ModelRunner under mutation")
struct ForwardMutationTests {
  private static let values: [JSONValue] = [
    .null, .bool(true), .bool(false), .integer(1), .integer(2), .integer(3), .integer(4),
    .integer(6), .integer(12), .integer(24), .integer((1 << 31) - 1), .number(1e-300),
    .number(1e300), .number(0.5), .string("relu"), .string("tanh"), .string("swish"),
    .object(["rope_type": .string("linear"), "factor": .number(1e300)]),
    .object(["rope_type": .string("linear"), "factor": .number(1e-300)]),
    .object(["rope_theta": .number(1e-300)]),
    .object([
      "rope_type": .string("llama3"), "factor": .number(1e-200), "low_freq_factor": .number(1e-300),
      "high_freq_factor": .number(1e300), "original_max_position_embeddings": .number(1e300),
    ]),
  ]

  @Test(
    "every key, every value",
    arguments: ["gpt2-base", "bert-classifier", "vit-no-qkv-bias", "llama-mqa-head-dim"])
  func runs(_ name: String) throws {
    let checkpoint = try Checkpoint(opening: Fixtures.path("golden/forward/\(name)"))
    let configuration = try #require(checkpoint.configuration)
    let input = try Models.input(name).rows(0..<1)
    var models = 0
    for key in configuration.keys {
      for value in [nil] + Self.values.map(Optional.some) {
        var change = configuration
        change[key] = value
        do throws(FormatError) {
          let names = try NameMap(
            tensors: checkpoint.tensors, configuration: change, configurationPath: "config",
            checkpointPath: checkpoint.path)
          // What is not read needs no run.
          if key.contains("dropout") || key.contains("token_id") || key.contains("label") {
            continue
          }
          let runner = ModelRunner(
            graph: try Graph(names),
            parameters: ParameterStore(checkpoint: checkpoint, names: names))
          guard runner.length(of: input) <= runner.graph.maximumLength else { continue }
          for runner in [runner, runner.rewritten()] {
            let outputs = try runner.outputs(for: input)
            #expect(outputs.hidden.columns == runner.graph.hiddenSize)
          }
          models += 1
        } catch {
          #expect(!error.place.isEmpty)
        }
      }
    }
    #expect(models > 50)
  }
}
