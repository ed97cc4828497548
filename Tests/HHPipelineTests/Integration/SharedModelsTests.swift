// The real checkpoints against figures of transformers (eager, float32) and of their makers.

import FoundationEssentials
import Glibc
import HHCompute
import HHFormat
import HHTestSupport
import Testing

@testable import HHData
@testable import HHModel

@Suite("Real models", .needsSharedFolder)
struct SharedModelsTests {
  private func runner(_ name: String) throws -> ModelRunner {
    try ModelRunner(opening: SharedFolder.path("models/\(name)"))
  }

  private func json(_ path: String) throws -> JSONValue {
    try JSONValue(parsing: readBytes(at: SharedFolder.path(path)))
  }

  private func argmax(_ logits: Matrix, row: Int) -> Int32 {
    let values = logits.rows(row..<row + 1).values
    return Int32(values.indices.max { values[$0] < values[$1] } ?? 0)
  }

  @Test("stories260k writes its known 200 tokens greedily")
  func greedy() throws {
    let expected = try #require(
      try json("models/llama-stories260k/greedy_ids_201.json").array?.compactMap(\.integer))
    #expect(expected.count == 201)
    let runner = try runner("llama-stories260k")
    var session = DecodingSession(runner: runner, rowCount: 1, capacity: 201)
    var ids: [Int32] = [1]
    for position in 0..<200 {
      let logits = try session.advance(TokenBatch(ids: [ids[position]], length: 1))
      ids.append(argmax(logits, row: 0))
    }
    #expect(ids.map(Int.init) == expected)
  }

  /// Mean negative log-likelihood of the next token over rows of the first tokens of a text.
  private func loss(
    _ name: String, text path: String, characters: Int, length: Int, rows: Int
  ) throws -> Double {
    let runner = try runner(name)
    let tokenizer = try #require(
      try TokenizerLoader.load(beside: SharedFolder.path("models/\(name)")))
    let text = try readText(at: SharedFolder.path(path)).unicodeScalars.prefix(characters)
    let ids = Array(tokenizer.encode(String(String.UnicodeScalarView(text))).prefix(rows * length))
    try #require(ids.count == rows * length)
    let batch = TokenBatch(ids: ids, length: length)
    let logits = try #require(try runner.outputs(for: .tokens(batch)).logits)
    var sum = 0.0
    for row in 0..<rows {
      for position in 0..<length - 1 {
        let place = row * length + position
        let values = logits.rows(place..<place + 1).values.map(Double.init)
        let total = values.reduce(0) { $0 + exp($1) }
        sum += log(total) - values[Int(ids[place + 1])]
      }
    }
    return sum / Double(rows * (length - 1))
  }

  @Test("stories260k and gpt2-mini predict text as well as under transformers")
  func perplexity() throws {
    let llama = try loss(
      "llama-stories260k", text: "data/tinystories/held-out.txt", characters: 4096, length: 256,
      rows: 4)
    #expect(abs(llama - 1.4996669132860987) <= 2e-5)
    let gpt2 = try loss(
      "gpt2-mini", text: "data/wikitext-2/held-out.txt", characters: 8192, length: 128, rows: 8)
    #expect(abs(gpt2 - 4.362140769289321) <= 2e-5)
  }

  @Test("gpt2-nano-sort gives its maker's logits and sorts all 729 inputs")
  func sorts() throws {
    let partials = try json("models/gpt2-nano-sort/gpt-nano-sort-t0-partials.json")
    func floats(_ name: String) throws -> [Float] {
      let text = try #require(partials[name]?["data"]?.string)
      let bytes = Array(try #require(Data(base64Encoded: text)))
      return stride(from: 0, to: bytes.count, by: 4).map { start in
        Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << (8 * $1) })
      }
    }
    let runner = try runner("gpt2-nano-sort")
    let ids = try floats("idx").map { Int32($0) }
    let outputs = try runner.outputs(for: .tokens(TokenBatch(ids: ids, length: 11)))
    #expect(
      maximumDifference(try #require(outputs.logits).values, try floats("lm_head")) <= 2e-5)

    // Six letters in, the same six in order out: 11 tokens hold all but the last.
    var rows = (0..<729).map { number in
      (0..<6).map { Int32(number / [1, 3, 9, 27, 81, 243][$0] % 3) }
    }
    let inputs = rows
    for length in 6..<12 {
      let batch = TokenBatch(ids: rows.flatMap(\.self), length: length)
      let logits = try #require(try runner.outputs(for: .tokens(batch)).logits)
      for row in rows.indices {
        rows[row].append(argmax(logits, row: row * length + length - 1))
      }
    }
    #expect(zip(rows, inputs).count { Array($0.suffix(6)) == $1.sorted() } == 729)
  }

  @Test("vit-mnist reads the first 500 test images as transformers does")
  func images() throws {
    let runner = try runner("vit-mnist")
    let source = try DataSource(
      at: SharedFolder.path("data/mnist/t10k-images-idx3-ubyte"),
      for: .images(ImageShape(channels: 1, height: 28, width: 28)), tokenizer: nil,
      vocabularySize: 0, files: ModelFiles(in: SharedFolder.path("models/vit-mnist")))
    let logits = try #require(
      try runner.outputs(for: source.rows.rows(0..<500).input).logits)
    guard case .images(let images) = source.rows else { return }
    let labels = try #require(images.labels)
    var wrong: [Int: Int32] = [:]
    for image in 0..<500 {
      let found = argmax(logits, row: image)
      if found != labels[image] { wrong[image] = found }
    }
    // The 29 images that transformers takes for another digit, and the digits.
    #expect(
      wrong == [
        7: 4, 8: 6, 33: 5, 73: 7, 78: 4, 92: 4, 97: 3, 124: 4, 126: 3, 149: 3, 151: 8, 184: 3,
        195: 4, 247: 6, 250: 9, 259: 0, 264: 4, 266: 0, 282: 2, 313: 5, 320: 7, 321: 7, 359: 4,
        376: 9, 381: 7, 445: 0, 449: 5, 478: 8, 495: 6,
      ])
    #expect(
      maximumDifference(
        logits.rows(0..<1).values,
        [
          -2.0064127445220947, 0.6562038064002991, 2.581387519836426, 0.5338804721832275,
          -1.3380262851715088, -3.6822385787963867, -1.6187489032745361, 7.897597312927246,
          -2.749328851699829, -0.9056075811386108,
        ]) <= 2e-4)
  }

  @Test("bert-minilm-l6 gives the hidden states of transformers, padding included")
  func hiddenStates() throws {
    let runner = try runner("bert-minilm-l6")
    let first = [101] + (0..<14).map { 1000 + 37 * $0 * $0 % 20000 } + [102]
    let second = [101] + (0..<8).map { 2000 + 91 * $0 * $0 % 20000 } + [102]
    let ids = first + second + Array(repeating: 0, count: 6)
    let outputs = try runner.outputs(
      for: .tokens(
        TokenBatch(ids: ids.map(Int32.init), length: 16, validLengths: [16, 10])))
    func part(_ position: Int, _ columns: Range<Int>) -> [Float] {
      outputs.hidden.rows(position..<position + 1).columns(columns).values
    }
    #expect(
      maximumDifference(
        part(0, 0..<8),
        [
          0.058063775300979614, 0.471303790807724, -0.3086894750595093, -0.10589036345481873,
          -0.060779087245464325, -0.05281089246273041, 0.14797013998031616, -0.13848429918289185,
        ]) <= 2e-4)
    #expect(
      maximumDifference(
        part(15, 376..<384),
        [
          -0.4963729977607727, -0.5663717985153198, -0.12260063737630844, 0.1092524528503418,
          0.7401561737060547, 0.20649078488349915, -0.24021635949611664, -0.1454491913318634,
        ]) <= 2e-4)
    #expect(
      maximumDifference(
        part(16 + 9, 0..<8),
        [
          -0.30238547921180725, 0.14885197579860687, -0.05509002134203911, -0.6754646301269531,
          -0.4812144935131073, -0.2390420138835907, -0.39201101660728455, 0.7831878066062927,
        ]) <= 2e-4)
    // Sums over all values of a row catch what the samples miss.
    for (rows, sum, magnitude) in [
      (0..<16, -13.352795937805986, 1964.8872343409257),
      (16..<26, 7.192643453185269, 1376.3953732260925),
    ] {
      let values = outputs.hidden.rows(rows).values.map(Double.init)
      #expect(abs(values.reduce(0, +) - sum) <= 0.02)
      #expect(abs(values.reduce(0) { $0 + abs($1) } - magnitude) <= 0.02)
    }
    #expect(
      maximumDifference(
        try #require(outputs.pooled).rows(1..<2).columns(0..<8).values,
        [
          0.02872289903461933, -0.034163884818553925, 0.07364914566278458, 0.011767334304749966,
          -0.01403013151139021, -0.08118099719285965, 0.033303115516901016, 0.05127788707613945,
        ]) <= 2e-4)
  }
}
