// Classifiers of text: their data, their distillation and their finetuning.

import HHAnalysis
import HHCompute
import HHFormat
import HHTestSupport
import ModelTestSupport
import Testing

@testable import HHData
@testable import HHPipeline
@testable import HHTraining

@Suite("Labelled text")
struct LabelledTextTrainingTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Sentences of two kinds, of different lengths.
  private func data(_ count: Int, to name: String) throws -> String {
    let lines = (0..<count).map { index in
      let isGood = index.isMultiple(of: 2)
      let words = Array(repeating: isGood ? "the cat sat" : "a dog ran", count: 1 + index % 5)
      return words.joined(separator: " and ") + "\t\(isGood ? 1 : 0)"
    }
    return try directory.write(
      (["sentence\tlabel"] + lines).joined(separator: "\n") + "\n", to: name)
  }

  /// A new BERT with a classifier and the fixture's tokenizer.
  private func classifier() throws -> String {
    var model = NewModel(architecture: "bert")
    (model.hidden, model.heads, model.inner, model.positions) = (32, 2, 64, 64)
    (model.classes, model.vocabulary) = (2, 400)
    model.files = Fixtures.path("models/bert")
    let path = directory.path("model")
    try model.write(to: path, seed: 1)
    return path
  }

  private func options(_ model: String) throws -> ConversionOptions {
    var options = ConversionOptions(model: model, threads: ThreadPolicy.threads)
    options.output = directory.path("out")
    options.data = try data(60, to: "train.tsv")
    options.heldOut = try data(20, to: "dev.tsv")
    (options.distillation.steps, options.length) = (4, 32)
    return options
  }

  @Test("rows are texts of their own lengths, and batches as short as their texts")
  func rows() throws {
    let path = try data(10, to: "a.tsv")
    let tokenizer = try TokenizerLoader.load(beside: Fixtures.path("models/bert"))
    let source = try DataSource(
      at: path, for: .encoder(length: 32, classes: ["no", "yes"]), tokenizer: tokenizer,
      vocabularySize: 400,
      files: ModelFiles(in: Fixtures.path("models/bert")))
    #expect(source.rows.count == 10)
    #expect(source.rows.labels == (0..<10).map { $0.isMultiple(of: 2) ? 1 : 0 })
    let all = try #require(source.rows.input.tokens)
    let lengths = try #require(all.validLengths)
    #expect(Set(lengths).count > 1 && lengths.max() == all.length && all.length <= 32)
    let shortest = try #require(lengths.firstIndex(of: lengths.min() ?? 0))
    let one = try #require(LabelledRows(source.rows.input).rows([shortest]).input.tokens)
    #expect(one.length == lengths[shortest] && one.validLengths == [one.length])
    #expect(one.ids == Array(all.ids[shortest * all.length..<shortest * all.length + one.length]))
    let part = source.rows.rows([3, 0])
    #expect(part.labels == [0, 1] && part.count == 2)
  }

  @Test("a converted classifier of text learns its classes")
  func learns() throws {
    var options = try options(classifier())
    (options.finetuning.steps, options.finetuning.learningRate) = (60, 3e-3)
    options.evaluations = [
      .init(settings: .init(task: .glue, data: nil, rowLimit: nil), after: "finetune")
    ]
    let training = try #require(try Conversion(options).run { _ in }.training)
    let finetuning = try #require(training.finetuning)
    #expect(finetuning.objective == "classes")
    #expect(finetuning.lossAfter < 0.3 * finetuning.lossBefore)
    let accuracy = try #require(training.evaluations.first?.figures.first)
    #expect(accuracy.name == "accuracy" && accuracy.value > 0.9)
  }

  @Test("the shipped recipe for GLUE runs")
  func shipped() throws {
    var options = try Recipe.named("bert-glue")
      .options(model: classifier(), threads: ThreadPolicy.threads)
    (options.output, options.length) = (directory.path("out"), 32)
    options.data = try data(40, to: "train.tsv")
    let training = try #require(try Conversion(options).run { _ in }.training)
    #expect(
      training.finetuning?.steps == 48 && training.evaluations.map(\.task) == ["glue", "fidelity"])
  }

  @Test(
    "a label that the head does not have is refused with its file and line",
    arguments: [
      ("sentence\tlabel\na\t0\nb\t2\n", "line 3", "expected a label from 0 to 1"),
      ("sentence\tlabel\na\tgood\n", "line 2", "expected a label from 0 to 1"),
      ("text without a header\n", "line 1", "expected columns 'sentence'"),
      ("sentence\tlabel\na\n", "line 2", "expected 2 columns, found 1"),
    ])
  func labels(_ text: String, line: String, problem: String) throws {
    var options = try options(classifier())
    options.data = try directory.write(text, to: "bad.tsv")
    let error = #expect(throws: FormatError.self) { try Conversion(options) }
    #expect(error?.file == options.data && error?.place == line)
    #expect(error?.problem.hasPrefix(problem) == true, "\(String(describing: error))")
  }

  @Test("text needs the model's tokenizer")
  func tokenizer() throws {
    let options = try options(classifier())
    for name in ["tokenizer.json", "vocab.txt"] { removeFile(at: directory.path("model/\(name)")) }
    let error = #expect(throws: FormatError.self) { try Conversion(options) }
    #expect(error?.problem.contains("expected a tokenizer of at most 400 tokens") == true)
  }
}
