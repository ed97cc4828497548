// The extents that inspect shows.

import HHFormat
import HHTestSupport
import Testing

@testable import HHAnalysis

@Suite("Facts of a model")
struct ModelFactsTests {
  @Test(
    "layers, heads, positions and vocabulary of the fixtures",
    arguments: [
      ("gpt2", ["3, 64 wide, 4 heads of 16", "128 positions", "512 tokens"]),
      ("llama", ["3, 64 wide, 4 heads of 16 on 2 key/value heads", "256 positions", "448 tokens"]),
      ("vit", []),
    ])
  func fixtures(_ name: String, _ expected: [String]) throws {
    let facts = try #require(try Inspection(of: Fixtures.path("models/\(name)")).facts)
    #expect(facts.lines.first?.name == "layers")
    #expect(facts.lines.contains { $0.name == "context" && $0.value.hasSuffix(" positions") })
    if !expected.isEmpty { #expect(facts.lines.map(\.value).prefix(3) == expected.prefix(3)) }
    #expect(facts.lines.contains { $0.name == "vocabulary" } == (name != "vit"))
  }

  @Test("what is no known model has none")
  func unknown() throws {
    let directory = try TemporaryDirectory()
    var forge = FileForge(seed: 1)
    let path = try directory.write(
      try forge.safetensors([("a", .f32, [2, 3])]), to: "model.safetensors")
    #expect(try Inspection(of: path).facts == nil)
  }
}
