// Data that a model cannot be distilled on.

import HHFormat
import HHTestSupport
import Testing

/// A data file and what is said of it.
struct BadData: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let model: String
  /// The path given; a name without folder is written first, with `bytes`.
  let path: String
  let bytes: [UInt8]?
  let status: Int32
  let message: String

  init(
    _ name: String, of model: String = "gpt2", _ path: String, holding bytes: [UInt8]? = nil,
    _ status: Int32, _ message: String
  ) {
    testDescription = name
    self.model = model
    self.path = path
    self.bytes = bytes
    self.status = status
    self.message = message
  }

  static let all = [
    BadData("absent", "nowhere.txt", 66, "nowhere.txt: cannot be opened: No such file"),
    BadData("a folder", "models", 65, "models: expected a file, found a folder"),
    BadData("a device", "/dev/null", 65, "/dev/null: expected a file, found a folder, a pipe or"),
    BadData("empty text", "a.txt", holding: [], 65, "error: a.txt: "),
    BadData("empty ids", "a.bin", holding: [], 65, "error: a.bin: "),
    BadData(
      "text shorter than a row", "a.txt", holding: Array("One fox.".utf8), 65, "error: a.txt: "),
    BadData(
      "text that is not UTF-8", "a.txt", holding: [0x41, 0xFF, 0xFE, 0x42], 65, "error: a.txt: "),
    BadData(
      "ids shorter than a row", "a.bin", holding: [1, 0, 2, 0], 65, "error: a.bin: "),
    BadData(
      "one row only", "a.bin", holding: [UInt8](repeating: 0, count: 64), 65,
      "a.bin: expected at least two rows of 32"),
    BadData("half an id", "a.bin", holding: [1, 0, 2], 65, "error: a.bin: "),
    BadData(
      "an id beyond the vocabulary, .bin", "a.bin",
      holding: [0, 2] + [UInt8](repeating: 0, count: 254), 65,
      "found 512"),
    BadData(
      "an id beyond the vocabulary, .u32.bin", "a.u32.bin",
      holding: [255, 255, 255, 255] + [UInt8](repeating: 0, count: 508), 65, "found 4294967295"),
    BadData(
      "an id beyond the vocabulary, .npy", "a.npy",
      holding: numpy("<u2", "(128,)", [0, 2] + [UInt8](repeating: 0, count: 254)), 65, "found 512"),
    BadData(
      "a negative id", "a.npy",
      holding: numpy("<i4", "(64,)", [255, 255, 255, 255] + [UInt8](repeating: 0, count: 252)), 65,
      "found -1"),
    BadData(
      "ids with a fraction", "a.npy", holding: numpy("<f4", "(2,)", [0, 0, 0, 63, 0, 0, 0, 63]), 65,
      "error: a.npy: "),
    BadData(
      "rows of another length", "a.npy",
      holding: numpy("<u2", "(2, 64)", [UInt8](repeating: 0, count: 256)), 65,
      "a.npy: expected rows of 32 tokens, found [2, 64]"),
    BadData(
      "a shape larger than the file", "a.npy", holding: numpy("<u2", "(128,)", [0, 0]), 65,
      "error: a.npy: "),
    BadData(
      "a shape beyond all memory", "a.npy",
      holding: numpy("<u2", "(9223372036854775807, 9223372036854775807)", [0, 0]), 65,
      "error: a.npy: "),
    BadData("no NumPy file", "a.npy", holding: Array("text".utf8), 65, "error: a.npy: "),
    BadData(
      "images for a language model", "data/shapes/train-images-idx3-ubyte", 65,
      "expected text or token ids, found an IDX file"),
    BadData(
      "text for a vision model", of: "vit", "data/corpus.txt", 69,
      "expected images as .npy or IDX, found neither"),
    BadData(
      "images of the wrong size, IDX", of: "vit", "a-idx3-ubyte",
      holding: [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0, 8] + [UInt8](repeating: 0, count: 128),
      65,
      "error: a-idx3-ubyte: "),
    BadData(
      "images of the wrong size, .npy", of: "vit", "a.npy",
      holding: numpy("|u1", "(2, 8, 8)", [UInt8](repeating: 0, count: 128)), 65, "error: a.npy: "),
    BadData(
      "labels for images", of: "vit", "data/shapes/train-labels-idx1-ubyte", 65, "error: data/"),
  ]
}

@Suite("Convert: data it refuses")
struct BadDataTests {
  let bench: Bench

  init() throws { bench = try Bench() }

  @Test("data with one thing wrong", arguments: BadData.all)
  func refuses(_ bad: BadData) throws {
    if let bytes = bad.bytes { try bench.folder.write(bytes, to: bad.path) }
    let before = try bench.contents
    let length = bad.model == "vit" ? [] : ["--length", "32"]
    let outcome = try Tool.run(
      ["models/\(bad.model)", "-o", "out", "--data", bad.path] + length, in: bench.folder)
    #expect(outcome.status == bad.status)
    expectError(outcome, bad.message)
    #expect(try bench.contents == before)
  }

  @Test("text for a model without a tokenizer")
  func noTokenizer() throws {
    try ModelCopy("gpt2").write(to: "bare", in: bench.folder)
    let outcome = try Tool.run("bare", "--data", "data/corpus.txt", in: bench.folder)
    #expect(outcome.status == 69)
    expectError(outcome, "data/corpus.txt: the model has no tokenizer, so text cannot be read")
  }

  @Test("bad held-out data is refused as bad data is")
  func heldOut() throws {
    try bench.folder.write("", to: "a.txt")
    let outcome = try Tool.run(
      Bench.short("gpt2") + ["--held-out", "a.txt"], in: bench.folder)
    #expect(outcome.status == 65)
    expectError(outcome, "error: a.txt: ")
  }
}
