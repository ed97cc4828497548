// Vectors of texts and images, and their pooling.

import HHCompute
import HHFormat
import HHTestSupport
import Testing

@testable import HHData
@testable import HHModel

@Suite("Embedder")
struct EmbedderTests {
  private let hidden = Matrix(
    rows: 6, columns: 2, [1, 2, 3, 6, 100, 100, 0, 1, 0, 3, 4, 0])
  private let input = ModelInput.tokens(
    TokenBatch(ids: [1, 1, 0, 1, 1, 1], length: 3, validLengths: [2, 3]))

  @Test(
    "padding is no part of a vector",
    arguments: [
      (.mean, [2, 4, 4.0 / 3, 4.0 / 3]), (.first, [1, 2, 0, 1]), (.last, [3, 6, 4, 0]),
    ] as [(Pooling, [Float])])
  func pooling(_ pooling: Pooling, _ expected: [Float]) {
    let plain = pooled(hidden, input, by: pooling, isNormalized: false).values
    #expect(maximumDifference(plain, expected) < 1e-6)
    let normalized = pooled(hidden, input, by: pooling, isNormalized: true)
    for row in 0..<2 {
      let values = normalized.rows(row..<row + 1).values
      #expect(abs(values.reduce(0) { $0 + $1 * $1 } - 1) < 1e-6)
      #expect(values[0] * expected[2 * row + 1] - values[1] * expected[2 * row] < 1e-5)
    }
  }

  @Test("each text has the vector that it has alone", arguments: ["bert", "gpt2", "llama"])
  func texts(_ name: String) throws {
    var options = InferenceOptions(
      model: Fixtures.path("models/\(name)"), threads: ThreadPolicy.threads)
    options.texts = ["the cat", "the small dog and the old cat walk home", "a"]
    let all = try Embedder(options, pooling: nil, isNormalized: true).run { _ in }
    #expect(all.count == 3)
    for (index, text) in options.texts.enumerated() {
      var one = options
      one.texts = [text]
      let alone = try Embedder(one, pooling: nil, isNormalized: true).run { _ in }
      #expect(maximumDifference(alone[0], all[index]) <= 1e-5)
    }
  }

  @Test("a pair is refused by a model of one token type")
  func tokenTypes() throws {
    let directory = try TemporaryDirectory()
    var model = try ModelCopy("bert")
    model.change("bert.embeddings.token_type_embeddings.weight") { tensor in
      tensor.bytes.removeLast(tensor.bytes.count / 2)
      tensor.shape[0] = 1
    }
    model.configuration["type_vocab_size"] = .integer(1)
    let vocabulary = try readText(at: Fixtures.path("models/bert/vocab.txt"))
    try directory.write(vocabulary, to: "model/vocab.txt")
    var options = InferenceOptions(
      model: try model.write(to: "model", in: directory), threads: ThreadPolicy.threads)
    options.texts = ["the cat\ta dog"]
    let error = #expect(throws: FormatError.self) {
      try Embedder(options, pooling: nil, isNormalized: true)
    }
    #expect(error?.place == "text 1" && error?.kind == .unsupported)
    options.texts = ["the cat"]
    #expect(try Embedder(options, pooling: nil, isNormalized: true).run { _ in }.count == 1)
  }

  @Test("a NumPy array reads back as what was written")
  func numPy() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("x.npy")
    try NumPyWriter.write([[1, 2.5, -3], [0, .infinity, 1e-30]], to: path, replacing: false)
    let array = try DataArray(numpyAt: path)
    #expect(array.shape == [2, 3])
    #expect(array.floats() == [1, 2.5, -3, 0, .infinity, 1e-30])
    #expect(throws: FormatError.self) { try NumPyWriter.write([[1]], to: path, replacing: false) }
  }
}
