// Figures of whole models: against the definition, beside the teacher's, and for tasks that do not fit.

import Glibc
import HHCompute
import HHFormat
import HHTestSupport
import HHTraining
import ModelTestSupport
import Testing

@testable import HHAnalysis
@testable import HHData
@testable import HHModel

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

  @Test("a teacher has positions for the rows")
  func positions() throws {
    let directory = try TemporaryDirectory()
    var short = try ModelCopy("gpt2")
    short.change("transformer.wpe.weight") { tensor in
      (tensor.shape, tensor.bytes) = ([16, 64], Array(tensor.bytes.prefix(4 * 16 * 64)))
    }
    short.configuration["n_positions"] = .integer(16)
    var options = options("gpt2", .languageModel, Fixtures.path("data/held-out.txt"))
    options.teacher = try short.write(to: "short", in: directory)
    (options.length, options.rowLimit) = (17, 1)
    let error = #expect(throws: PipelineError.self) { try Evaluation(options) }
    #expect(
      error?.description == "teacher: expected at least 17 positions, the length, found 16")
    options.length = 16
    #expect(try figures(options)["perplexity"]?.recovered != nil)
  }

  @Test("tokenizers differ where a token stands for another text, in whatever files they lie")
  func tokenizers() throws {
    let directory = try TemporaryDirectory()
    let folder = Fixtures.path("models/bert")
    let text = try readText(at: "\(folder)/vocab.txt")
    var lines = text.utf8Lines
    try directory.write(text, to: "same/vocab.txt")
    lines.swapAt(200, 201)
    try directory.write(lines.joined(separator: "\n"), to: "other/vocab.txt")
    let own = try #require(try TokenizerLoader.load(beside: folder))
    let same = try #require(try TokenizerLoader.load(beside: directory.path("same")))
    let other = try #require(try TokenizerLoader.load(beside: directory.path("other")))
    #expect(own.firstDifference(from: same) == nil)
    #expect(own.firstDifference(from: other) == 200)
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
    let padded = try PaddedTexts(
      texts.map { ($0, nil) }, tokenizer: tokenizer,
      limits: TextLimits(runner.graph, length: 64), file: "texts")
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
    func batch(length: Int) throws -> TokenBatch {
      try PaddedTexts(
        [("the cat", "a dog walks")], tokenizer: tokenizer,
        limits: TextLimits(length: length, vocabularySize: 400, tokenTypeCount: 2), file: "texts"
      ).batch([0])
    }
    let pair = try batch(length: 64)
    let (first, second) = (tokenizer.encode("the cat"), tokenizer.encode("a dog walks"))
    let frame = tokenizer.frame
    #expect(pair.ids == frame.prefix + first + frame.suffix + second + frame.suffix)
    #expect(
      pair.tokenTypes
        == Array(repeating: 0, count: first.count + 2)
        + Array(repeating: 1, count: second.count + 1))
    #expect(try batch(length: 6).length == 6)
    #expect(try batch(length: 3).ids == frame.prefix + frame.suffix + frame.suffix)
  }

  @Test("texts that the model has no positions, types or embeddings for are refused")
  func limits() throws {
    let tokenizer = try #require(try TokenizerLoader.load(beside: Fixtures.path("models/bert")))
    let cases: [(second: String?, length: Int, vocabulary: Int, types: Int, message: String)] = [
      (nil, 1, 400, 2, "the 2 tokens that frame a text, found 1"),
      ("a dog", 2, 400, 2, "the 3 tokens that frame a pair, found 2"),
      ("a dog", 64, 400, 1, "a single token type, found a pair"),
      (nil, 64, 3, 2, "expected an id from 0 to 2, found "),
    ]
    for (second, length, vocabulary, types, message) in cases {
      let limits = TextLimits(
        length: length, vocabularySize: vocabulary, tokenTypeCount: types)
      let error = try #require(throws: FormatError.self) {
        try PaddedTexts(
          [(first: "the cat", second: second)], tokenizer: tokenizer, limits: limits,
          file: "texts")
      }
      #expect(error.description.hasPrefix("texts: "))
      #expect(error.description.contains(message))
    }
  }

  @Test("padding that the model has no embedding for becomes a token that it has")
  func foreignPadding() throws {
    let texts = try PaddedTexts(
      [(first: "a", second: nil), (first: "ab", second: nil)], tokenizer: ForeignTokenizer(),
      limits: TextLimits(length: 8, vocabularySize: 400, tokenTypeCount: 0), file: "texts")
    #expect(texts.batch([0, 1]).ids == [97, 0, 97, 98])
  }

  @Test("a model of one position has no rows to measure, whatever length is asked for")
  func onePosition() throws {
    for wish in [nil, 1, 2] {
      let error = #expect(throws: PipelineError.self) { try rowLength(wish, maximum: 1) }
      #expect(error?.description == "MODEL: expected at least 2 positions, found 1")
    }
    #expect(try rowLength(nil, maximum: 2) == 2)
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
      #expect(error.description.hasPrefix("task: "))
    }
  }
}

/// Bytes as ids, padded with one that the model has not.
private struct ForeignTokenizer: Tokenizer {
  let vocabularySize = 1000
  var special = SpecialTokens(padding: 999)
  let frame = TokenFrame()
  let added = AddedTokens()
  func encode(_ text: String) -> [Int32] { text.utf8.map(Int32.init) }
  func decode(_ ids: [Int32]) -> String { "" }
}
