// Figures of whole models: against the definition, beside the teacher's, and for tasks that do not fit.

import Glibc
import HHCompute
import HHFormat
import HHTestSupport
import Testing

@testable import HHPipeline

@Suite("Evaluation")
struct EvaluationTests {
  private func options(
    _ model: String, _ task: EvaluationTask, _ data: String
  ) -> EvaluationOptions {
    EvaluationOptions(
      model: Fixtures.path("models/\(model)"), task: task, data: data,
      threads: ThreadPolicy.threads)
  }

  private func figures(_ options: EvaluationOptions) throws -> [String: EvaluationFigure] {
    let figures = try Evaluation(options).run { _ in }
    return Dictionary(uniqueKeysWithValues: figures.map { ($0.name, $0) })
  }

  @Test("perplexity is exp of the mean loss of the next tokens")
  func perplexity() throws {
    let file = Fixtures.path("data/held-out.txt")
    var options = options("gpt2", .languageModel, file)
    options.length = 32
    options.rowLimit = 5
    let found = try figures(options)
    let runner = try Models.trained("gpt2")
    let tokenizer = try #require(try TokenizerLoader.load(beside: Fixtures.path("models/gpt2")))
    let ids = Array(tokenizer.encode(try readText(at: file)).prefix(5 * 32))
    let logits = try #require(
      try runner.outputs(for: .tokens(TokenBatch(ids: ids, length: 32))).logits)
    var sum = 0.0
    for row in 0..<5 {
      for position in 0..<31 {
        let place = row * 32 + position
        let values = logits.rows(place..<place + 1).values.map(Double.init)
        sum += log(values.reduce(0) { $0 + exp($1) }) - values[Int(ids[place + 1])]
      }
    }
    let expected = exp(sum / (5 * 31))
    let perplexity = try #require(found["perplexity"])
    #expect(abs(perplexity.value / expected - 1) < 1e-4)
    #expect(perplexity.teacher == nil && perplexity.recovered == nil)
    let words = tokenizer.decode(ids).split(whereSeparator: \.isWhitespace).count
    let perWord = try #require(found["perplexity per word"])
    #expect(abs(log(perWord.value) - log(expected) * 160 / Double(words)) < 1e-3)
  }

  @Test("a converted model stands beside the softmax model with the same weights")
  func teacher() throws {
    let directory = try TemporaryDirectory()
    let artifact = directory.path("model.zst")
    try Artifacts.write("gpt2-inverse-layer", to: artifact)
    let ids = try directory.write(
      (0..<256).flatMap { id -> [UInt8] in [UInt8(id * id % 33), 0] }, to: "ids.bin")
    var options = EvaluationOptions(
      model: artifact, task: .languageModel, data: ids,
      threads: ThreadPolicy.threads)
    options.length = 8
    let own = try #require(try figures(options)["perplexity"])
    options.model = Fixtures.path("golden/forward/gpt2-inverse-layer")
    let softmax = try #require(try figures(options)["perplexity"])
    #expect(own.teacher == softmax.value)
    #expect(own.value != softmax.value)
    #expect(own.recovered == softmax.value / own.value)
    options.teacher = artifact
    #expect(try figures(options)["perplexity"]?.teacher == own.value)
  }

  @Test("images with labels are classified")
  func images() throws {
    let folder = Fixtures.path("data/shapes")
    let found = try figures(
      options("vit", .classification, "\(folder)/t10k-images-idx3-ubyte"))
    let accuracy = try #require(found["accuracy"]?.value)
    #expect(accuracy > 0.8 && accuracy <= 1)
  }

  @Test("a padded batch of texts gives what each text alone gives")
  func padding() throws {
    let runner = try Models.trained("bert")
    let tokenizer = try #require(try TokenizerLoader.load(beside: Fixtures.path("models/bert")))
    let texts = ["the cat", "the small dog and the old cat walk home", "a"]
    let padded = PaddedTexts(
      texts.map { ($0, nil) }, tokenizer: tokenizer, maximumLength: 64)
    func embeddings(_ indices: [Int]) throws -> Matrix {
      let input = ModelInput.tokens(padded.batch(indices))
      let hidden = try runner.outputs(for: input).hidden
      return pooled(hidden, input, by: .mean, isNormalized: true)
    }
    let together = try embeddings([0, 1, 2])
    for index in texts.indices {
      let alone = try embeddings([index])
      #expect(
        maximumDifference(alone.values, together.rows(index..<index + 1).values) <= 1e-5)
    }
    #expect(padded.batches(positions: 1).map(\.indices) == [[2], [0], [1]])
    #expect(padded.batches(positions: 1000).map(\.indices) == [[2, 0, 1]])
  }

  @Test("pairs are framed, typed and cut to the model's positions")
  func pairs() throws {
    let tokenizer = try #require(try TokenizerLoader.load(beside: Fixtures.path("models/bert")))
    let pair = PaddedTexts(
      [("the cat", "a dog walks")], tokenizer: tokenizer, maximumLength: 64
    ).batch([0])
    let (first, second) = (tokenizer.encode("the cat"), tokenizer.encode("a dog walks"))
    let frame = tokenizer.frame
    #expect(pair.ids == frame.prefix + first + frame.suffix + second + frame.suffix)
    #expect(
      pair.tokenTypes
        == Array(repeating: 0, count: first.count + 2)
        + Array(repeating: 1, count: second.count + 1))
    let cut = PaddedTexts(
      [("the cat", "a dog walks")], tokenizer: tokenizer, maximumLength: 6
    ).batch([0])
    #expect(cut.length == 6)
  }

  @Test("a task that the model has no head for is refused")
  func heads() throws {
    let folder = Fixtures.path("data/shapes")
    for (model, task) in [
      ("vit", EvaluationTask.languageModel), ("gpt2", .classification), ("llama", .similarity),
    ] {
      let error = try #require(throws: PipelineError.self) {
        try Evaluation(options(model, task, "\(folder)/t10k-images-idx3-ubyte"))
      }
      #expect(error.description.hasPrefix("--task: "))
    }
  }
}
