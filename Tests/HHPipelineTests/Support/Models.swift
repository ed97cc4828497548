// The models under fixtures/, opened to run.

import HHCompute
import HHFormat
import HHPipeline
import HHTestSupport

/// Opens models of the repository.
enum Models {
  static let golden = ModelRunnerTests.configurations

  /// A random model of `golden/forward`.
  static func golden(_ name: String) throws -> ModelRunner {
    try ModelRunner(opening: Fixtures.path("golden/forward/\(name)"))
  }

  /// A trained model of `models`.
  static func trained(_ name: String) throws -> ModelRunner {
    try ModelRunner(opening: Fixtures.path("models/\(name)"))
  }

  /// The input that goes with a random model.
  static func input(_ name: String) throws -> ModelInput {
    try ModelRunnerTests.input(
      GoldenTensors(Fixtures.path("golden/forward/\(name)/expected.safetensors")))
  }

  /// The name map of a random model.
  static func names(_ name: String) throws -> NameMap {
    try NameMap(Checkpoint(opening: Fixtures.path("golden/forward/\(name)")))
  }
}

extension ModelInput {
  var tokens: TokenBatch? { if case .tokens(let batch) = self { batch } else { nil } }
}
