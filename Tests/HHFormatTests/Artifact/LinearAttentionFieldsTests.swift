// The table of keys of linear attention.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("LinearAttentionFields")
struct LinearAttentionFieldsTests {
  private let fields = LinearAttentionDescription.fields

  @Test("the table has the members of the schema, and leaves out what the schema does not require")
  func schema() throws {
    let file = try MappedFile(at: "\(Fixtures.root)/schemas/artifact.schema.json")
    let schema = try JSONValue(parsing: file.bytes.octets)
    let map = try #require(schema["properties"]?["featureMap"])
    let members = try #require(map["properties"]?.object?.keys)
    #expect(Set(fields.map(\.name)) == Set(members))
    let words = map["required"]?.array?.compactMap(\.string)
    let required = try #require(words)
    #expect(Set(fields.filter { !$0.isOptional }.map(\.name)) == Set(required))
  }

  @Test("no format has a key twice")
  func keys() {
    #expect(Set(fields.map(\.gguf)).count == fields.count)
    let configuration = fields.compactMap(\.configuration)
    #expect(Set(configuration).count == configuration.count)
    #expect(configuration.count == fields.count - 1)
  }

  @Test("a configuration has ε by its shortest digits, and nothing for what is left out")
  func configuration() {
    let map = LinearAttentionDescription(
      kind: "elu", featureDimension: 4, bias: false, sharing: .queryHead,
      epsilon: Double(Float(1e-12)), epsilonPlacement: .addedToDenominator)
    var settings = JSONObject()
    for field in fields { field.write(map, to: &settings) }
    #expect(settings["epsilon"] == .number(1e-12))
    #expect(settings["key_maps"] == "query-head")
    #expect(settings["window"] == nil && settings["sinks"] == nil)
    #expect(settings["softmax_layers"] == nil && settings["positions"] == nil)
    #expect(settings["window_factor"] == nil)
  }

  @Test("what a file does not say is what older files mean by their silence")
  func silence() throws {
    func read(_ more: [String: JSONValue]) throws(FormatError) -> LinearAttentionDescription {
      var members: JSONObject = [
        "kind": "elu", "featureDimension": 4, "bias": false, "sharing": "query-head", "epsilon": 0,
        "epsilonPlacement": "added-to-denominator", "orientation": "x", "window": 4,
      ]
      for (key, value) in more { members[key] = value }
      return try ManifestMembers.reading(
        .object(members), file: "f", path: "p", tolerant: false
      ) { (members) throws(FormatError) in try LinearAttentionDescription(members: &members) }
    }
    let old = try read([:])
    #expect(old.windowFactor == .sigmoid && old.positions == .kept)
    let new = try read(["windowFactor": "exponential", "positions": "dropped"])
    #expect(new.windowFactor == .exponential && new.positions == .dropped)
    #expect(new.json["windowFactor"] == "exponential" && old.json["windowFactor"] == nil)
    #expect(new.summary.contains("positions dropped, window 4, exponential factor"))
    for wrong in [["windowFactor": "tanh"], ["positions": "kept"]] as [[String: JSONValue]] {
      #expect(throws: FormatError.self) { try read(wrong) }
    }
  }

  @Test("GGUF has a list of layers as a word")
  func layers() throws {
    let map = LinearAttentionDescription(
      kind: "elu", featureDimension: 4, bias: false, sharing: .queryHead, epsilon: 0,
      epsilonPlacement: .addedToDenominator, softmaxLayers: [0, 11])
    let field = try #require(fields.last)
    #expect(field.keyValue(of: map, stem: "x") == .string("x.softmax_layers", "0,11"))
  }
}
