// A table of settings, and what follows from it.

import HHFormat
import Testing

@testable import HHModel

/// Settings of every type.
private struct Sample: SettingGroup {
  enum Word: String, SettingValue, CaseIterable { case one, two }
  struct Inner: NestedSettings {
    var share = 0.5
    var settings: [Setting<Self>] { [Setting("share", \.share, help: "A share")] }
  }

  var count = 3
  var limit: Int?
  var seed: UInt64 = 0
  var word = Word.one
  var choice: Word?
  var list = [1]
  var path: String?
  var isOn = false
  var rate = 2.0
  var inner: Inner?

  var stageName: String? { "sample" }
  var settings: [Setting<Self>] {
    let numbers: [Setting<Self>] = [
      Setting("count", \.count, option: "count", limits: .range(1...9), help: "A count"),
      Setting("limit", \.limit, limits: .range(1...9), help: "A limit", otherwise: "none"),
      Setting("seed", \.seed, limits: ["minimum": 0], help: "A seed"),
      Setting("map.word", \.word, option: "word", help: "A word"),
      Setting("map.choice", \.choice, help: "A choice"),
    ]
    let others: [Setting<Self>] = [
      Setting("list", \.list, limits: ["minItems": 1, "minimum": 0], help: "A list"),
      Setting("path", \.path, isPath: true, help: "A path", otherwise: "none"),
      Setting("is_on", \.isOn, help: "A flag"),
      Setting("rate", \.rate, default: .null, isRequired: false, help: "A rate"),
      Setting("inner", \.inner, help: "A group"),
    ]
    return numbers + others
  }
}

@Suite("SettingGroup")
struct SettingGroupTests {
  private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

  @Test("what is written is read again, and a point in a key leads into a mapping")
  func members() throws {
    var sample = Sample()
    (sample.count, sample.limit, sample.seed, sample.word) = (4, 5, .max, .two)
    (sample.choice, sample.list, sample.path, sample.isOn) = (.one, [2, 0], "p", true)
    sample.inner = Sample.Inner(share: 0.25)
    let written = JSONValue.object(sample.members)
    #expect(written["map"]?["word"]?.string == "two" && written["inner"]?["share"]?.double == 0.25)
    var read = Sample()
    read.read(written)
    #expect(read == sample)
    #expect(sample.members { "/\($0)" }["path"]?.string == "/p")
  }

  @Test("what is left out stays, null empties what can be empty, and other types change nothing")
  func partial() throws {
    var sample = Sample()
    (sample.limit, sample.count, sample.inner) = (5, 7, Sample.Inner())
    sample.read(try json(#"{"limit": null, "count": null, "inner": null, "seed": "x"}"#))
    #expect(sample.limit == nil && sample.count == 7 && sample.inner == nil && sample.seed == 0)
  }

  @Test("the schema has types, limits, defaults and what null stands for")
  func schema() throws {
    let properties = try #require(Sample().schema["properties"])
    #expect(
      properties["count"]
        == (try json(
          #"{"type":"integer","minimum":1,"maximum":9,"default":3,"description":"A count."}"#)))
    #expect(
      properties["limit"]
        == (try json(
          #"""
          {"type":["integer","null"],"minimum":1,"maximum":9,"default":null,
           "description":"A limit; null is none."}
          """#)))
    #expect(
      properties["map"]?["properties"]?["choice"]
        == (try json(#"{"enum":["one","two",null],"default":null,"description":"A choice."}"#)))
    #expect(properties["map"]?["default"] == .object([:]))
    #expect(
      properties["list"]
        == (try json(
          #"""
          {"type":"array","items":{"type":"integer","minimum":0},"minItems":1,"default":[1],
           "description":"A list."}
          """#)))
    #expect(
      properties["rate"]
        == (try json(
          #"{"type":["number","null"],"default":null,"description":"A rate; null is 2."}"#)))
    #expect(properties["inner"]?["properties"]?["share"]?["default"]?.double == 0.5)
    #expect(properties["inner"]?["type"] == ["object", "null"])
  }

  @Test("errors name a setting by its stage, key and option; documents say its default")
  func names() {
    let sample = Sample()
    #expect(
      sample.key(\.word) == SettingKey(stage: "sample", key: "map.word", option: "word"))
    #expect("\(sample.key(\.limit))" == "limit")
    #expect(sample.defaultText(of: sample[\.limit]) == "none")
    #expect(sample.defaultText(of: sample[\.count]) == "3")
    #expect(sample.defaultText(of: sample[\.word]) == "one")
    #expect(sample.defaultText(of: sample[\.isOn]) == nil)
  }
}
