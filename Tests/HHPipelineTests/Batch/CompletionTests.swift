// When an artifact counts as made already.

import HHCompute
import HHFormat
import HHModel
import HHTestSupport
import Testing

@testable import HHPipeline
@testable import HHTraining

@Suite("Completion")
struct CompletionTests {
  @Test("a changed tokenizer makes an artifact one of other settings")
  func tokenizer() throws {
    let directory = try TemporaryDirectory()
    try ModelCopy("gpt2").write(to: "gpt2", in: directory)
    var options = ConversionOptions(model: directory.path("gpt2"), threads: ThreadPolicy.threads)
    options.stages = [.rewrite]
    options.output = directory.path("gpt2.hh")
    #expect(try Completion(of: options) == .absent)
    _ = try Conversion(options).run { _ in }
    #expect(try Completion(of: options) == .done)
    try directory.write("{}", to: "gpt2/tokenizer_config.json")
    guard case .other(let found) = try Completion(of: options) else {
      Issue.record("the tokenizer changed")
      return
    }
    #expect(found.contains("another tokenizer"))
  }

  @Test("where nothing is distilled, how distillation would be done makes no difference")
  func rewriteAlone() throws {
    let directory = try TemporaryDirectory()
    let model = try ModelCopy("gpt2").write(to: "gpt2", in: directory)
    var options = try Recipe.standard().options(model: model, threads: ThreadPolicy.threads)
    options.stages = [.rewrite]
    options.output = directory.path("gpt2.hh")
    _ = try Conversion(options).run { _ in }
    let text = "stages:\n  - stage: rewrite\n"
    let recipe = try Recipe(parsing: Array(text.utf8), file: "r.yaml")
    var others = try recipe.options(model: model, threads: 1)
    others.output = options.output
    #expect(try Completion(of: others) == .done)
    others.distillation.batchSize += 1
    #expect(try Completion(of: others) == .done)
    others.attention.bias.toggle()
    #expect(try Completion(of: others) != .done)
  }

  @Test(
    "where the precision is left open, an artifact of either counts",
    arguments: ProductPrecision.allCases)
  func openPrecision(_ precision: ProductPrecision) throws {
    let directory = try TemporaryDirectory()
    var options = ConversionOptions(
      model: try ModelCopy("gpt2").write(to: "gpt2", in: directory), threads: ThreadPolicy.threads)
    options.distillation.steps = 1
    options.length = 16
    options.output = directory.path("gpt2.hh")
    options.distillation.precision = PrecisionSetting(precision)
    _ = try Conversion(options).run { _ in }
    options.distillation.precision = .auto
    #expect(try Completion(of: options) == .done)
    options.seed += 1
    #expect(try Completion(of: options) != .done)
  }

  @Test("labels beside data and an evaluation's length are settings, where there are any")
  func labels() throws {
    let directory = try TemporaryDirectory()
    var options = ConversionOptions(model: "model", threads: 1)
    options.data = try directory.write("x", to: "a-images-idx3-ubyte")
    options.heldOut = try directory.write("x", to: "b-images-idx3-ubyte")
    options.evaluations = [
      .init(settings: EvaluationSettings(task: .classification, data: nil), after: "distil")
    ]
    let none = try options.record()
    #expect(none["labels"] == nil && none["held_out_labels"] == nil)
    #expect(none["evaluate"]?.array?.first?["length"] == nil)
    #expect(none["evaluate"]?.array?.first?["labels"] == nil)
    options.evaluations = [
      .init(
        settings: EvaluationSettings(task: .classification, data: options.data, length: 8),
        after: "distil")
    ]
    try directory.write("1", to: "a-labels-idx1-ubyte")
    try directory.write("2", to: "b-labels-idx1-ubyte")
    let some = try options.record()
    #expect(some["labels"] != nil && some["held_out_labels"] != nil)
    #expect(some["evaluate"]?.array?.first?["length"]?.integer == 8)
    #expect(some["evaluate"]?.array?.first?["labels"] == some["labels"])
    try directory.write("3", to: "a-labels-idx1-ubyte")
    #expect(try options.record()["labels"] != some["labels"])
  }

  @Test("learning rates may change in the course of a run, other settings may not")
  func run() throws {
    let checkpoint = try Checkpoint(opening: Fixtures.path("models/gpt2"))
    let sidecars = try SidecarFiles(of: checkpoint)
    var options = ConversionOptions(model: Fixtures.path("models/gpt2"), threads: 1)
    options.finetuning.steps = 3
    func key() throws -> String {
      try ConversionKey.ofRun(options, sidecars: sidecars, sources: [])
    }
    let first = try key()
    options.distillation.learningRate = 0.5
    options.finetuning.learningRate = 0.5
    #expect(try key() == first)
    options.seed += 1
    #expect(try key() != first)
  }

  @Test("rates that layers were trained at before make another artifact")
  func earlierRates() throws {
    var options = ConversionOptions(model: Fixtures.path("models/gpt2"), threads: 1)
    let settings = try options.record()
    #expect(settings["earlier_rates"] == nil)
    let numbers: JSONObject = [
      "layers": .array([.object([:])]),
      "rates": .object(["distil": .array([.null, .number(0.5)]), "finetune": .array([.number(1)])]),
    ]
    options.distillation.learningRate = 0.5
    options.earlierRates = EarlierRates(in: numbers, before: options)
    #expect(options.earlierRates.distillation == [nil])
    #expect(try options.record()["earlier_rates"] != nil)
    options.distillation.learningRate = nil
    options.earlierRates = EarlierRates(in: numbers, before: options)
    #expect(options.earlierRates.distillation == [nil, 0.5])
    #expect(options.earlierRates.finetuning.isEmpty)
    var begun = numbers
    begun["layers"] = .array([])
    #expect(EarlierRates(in: begun, before: options) == EarlierRates())
  }
}
