// The blocks that keep softmax, as recipes write them.

import HHFormat
import HHModel
import Testing

@Suite("KeptSoftmax")
struct KeptSoftmaxTests {
  @Test(
    "layers are a list, a number of them a word",
    arguments: [
      ("[]", KeptSoftmax.layers([])), ("[0,11]", .layers([0, 11])), (#""auto:3""#, .best(3)),
    ])
  func forms(_ text: String, _ kept: KeptSoftmax) throws {
    let json = try JSONValue(parsing: Array(text.utf8))
    #expect(KeptSoftmax(json: json) == kept)
    #expect(kept.json == json)
  }

  @Test("nothing else is one", arguments: ["auto", "auto:", "auto:0", "auto:-1", "auto:x", "3"])
  func refusals(_ word: String) {
    #expect(KeptSoftmax(json: .string(word)) == nil)
  }

  @Test("what is asked for last counts")
  func settings() {
    var settings = LinearAttentionSettings()
    settings.keptSoftmax = .best(2)
    #expect(settings.softmaxCount == 2 && settings.softmaxLayers.isEmpty)
    settings.keptSoftmax = .layers([4, 1])
    #expect(settings.softmaxCount == nil && settings.softmaxLayers == [1, 4])
  }
}
