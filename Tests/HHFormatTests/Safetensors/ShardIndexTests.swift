// An index must be well formed, stay in its folder and agree with its shards.

import HHFormat
import HHTestSupport
import Testing

@Suite("ShardIndex")
struct ShardIndexTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func write(_ names: [String], to file: String) throws {
    var forge = FileForge(seed: 3)
    try directory.write(try forge.safetensors(names.map { ($0, .u8, [1]) }), to: file)
  }

  private func open(_ text: String) throws -> [SafetensorsFile] {
    let path = try directory.write(text, to: "model.safetensors.index.json")
    return try ShardIndex(at: path).openShards()
  }

  private func open(_ placements: [(tensor: String, file: String)]) throws -> [SafetensorsFile] {
    try open(FileForge.index(placements))
  }

  @Test("a defective index is refused with its place and fault", arguments: IndexDefect.all)
  func defect(_ defect: IndexDefect) throws {
    for shard in IndexDefect.shards { try write(shard.tensors, to: shard.file) }
    let outside = try TemporaryDirectory()
    var forge = FileForge(seed: 1)
    try directory.link(
      IndexDefect.link,
      to: try outside.write(try forge.safetensors([("x", .u8, [1])]), to: "secret.safetensors"))
    let error = #expect(throws: FormatError.self) { try open(defect.text) }
    #expect(error?.kind == defect.kind)
    #expect(error?.file == directory.path("model.safetensors.index.json"))
    #expect(error?.place == defect.place)
    #expect(error?.problem.hasPrefix(defect.problem) == true, "\(error?.problem ?? "")")
    #expect(error?.problem.contains(", found ") == true)
  }

  @Test("no prefix of a valid index is valid")
  func prefixes() throws {
    for shard in IndexDefect.shards { try write(shard.tensors, to: shard.file) }
    let text = FileForge.index(
      IndexDefect.shards.flatMap { shard in shard.tensors.map { (tensor: $0, file: shard.file) } })
    #expect(try open(text).count == 2)
    for length in 0..<text.utf8.count {
      #expect(throws: FormatError.self, "\(length) bytes") {
        try open(String(decoding: text.utf8.prefix(length), as: UTF8.self))
      }
    }
  }

  @Test("a link that leaves the folder is refused, one that stays is followed")
  func links() throws {
    try write(["t"], to: "model/real.safetensors")
    func openModel() throws -> [SafetensorsFile] {
      let path = try directory.write(
        FileForge.index([("t", "linked.safetensors")]), to: "model/model.safetensors.index.json")
      return try ShardIndex(at: path).openShards()
    }
    try directory.link("model/linked.safetensors", to: "real.safetensors")
    #expect(try openModel().count == 1)
    let outside = try TemporaryDirectory()
    var forge = FileForge(seed: 1)
    let secret = try outside.write(try forge.safetensors([("t", .u8, [1])]), to: "s.safetensors")
    let other = try TemporaryDirectory()
    try other.link("linked.safetensors", to: secret)
    let index = try other.write(
      FileForge.index([("t", "linked.safetensors")]), to: "model.safetensors.index.json")
    let error = #expect(throws: FormatError.self) { try ShardIndex(at: index).openShards() }
    #expect(error?.place == "shard 'linked.safetensors'")
    #expect(
      error?.problem == "expected a file inside the index's folder, found a link to '\(secret)'")
  }

  @Test("the layout of the Hugging Face cache, links from snapshots into blobs, is followed")
  func cache() throws {
    try write(["t"], to: "models--x/blobs/0123")
    try directory.link(
      "models--x/snapshots/rev/model-00001-of-00001.safetensors", to: "../../blobs/0123")
    let index = try directory.write(
      FileForge.index([("t", "model-00001-of-00001.safetensors")]),
      to: "models--x/snapshots/rev/model.safetensors.index.json")
    #expect(try ShardIndex(at: index).openShards().count == 1)
  }

  @Test("a shard in a folder inside is allowed")
  func inside() throws {
    try write(["t"], to: "parts/one.safetensors")
    #expect(try open([("t", "parts/one.safetensors")]).count == 1)
  }

  @Test("a missing shard is named, with a tensor it should hold")
  func missing() throws {
    try write(["a"], to: "one.safetensors")
    let error = #expect(throws: FormatError.self) {
      try open([("a", "one.safetensors"), ("b", "two.safetensors")])
    }
    #expect(error?.kind == .missingInput)
    #expect(error?.place == "shard 'two.safetensors'")
    #expect(error?.problem.hasPrefix("expected the file that holds 'b', found none") == true)
  }

  @Test("index and shards must list exactly the same tensors")
  func disagreement() throws {
    try write(["a", "b"], to: "one.safetensors")
    try write(["c"], to: "two.safetensors")
    let cases: [([(String, String)], String, String)] = [
      (
        [("a", "one.safetensors"), ("c", "two.safetensors")], "tensor 'b'",
        "expected 'one.safetensors', which holds it, found no entry"
      ),
      (
        [("a", "one.safetensors"), ("b", "two.safetensors"), ("c", "two.safetensors")],
        "tensor 'b'", "expected 'one.safetensors', which holds it, found 'two.safetensors'"
      ),
      (
        [("a", "one.safetensors"), ("b", "one.safetensors"), ("x", "one.safetensors")],
        "tensor 'x'", "expected it in 'one.safetensors', found no such tensor there"
      ),
    ]
    for (placements, place, problem) in cases {
      let error = #expect(throws: FormatError.self) { try open(placements) }
      #expect(error?.kind == .badData)
      #expect(error?.place == place)
      #expect(error?.problem == problem)
    }
  }

  @Test("a tensor in two shards is refused")
  func twice() throws {
    try write(["a"], to: "one.safetensors")
    try write(["a", "b"], to: "two.safetensors")
    let error = #expect(throws: FormatError.self) {
      try open([("a", "one.safetensors"), ("b", "two.safetensors")])
    }
    #expect(error?.place == "tensor 'a'")
  }

  @Test("a defective shard is named itself")
  func defectiveShard() throws {
    try directory.write("{}", to: "one.safetensors")
    let error = #expect(throws: FormatError.self) { try open([("a", "one.safetensors")]) }
    #expect(error?.file == directory.path("one.safetensors"))
  }
}
