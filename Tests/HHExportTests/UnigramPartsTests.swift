// What tokenizer.json says of a unigram vocabulary.

import HHFormat
import Testing

@testable import HHExport

@Suite("UnigramParts")
struct UnigramPartsTests {
  private func parts(
    _ keys: String = "", count: Int = 5, unknown: Int32? = 0
  ) throws -> UnigramParts {
    func array(_ name: String, _ type: String, _ values: String) -> String {
      #""tokenizer.ggml.\#(name)":{"type":"array","elementType":"\#(type)","value":[\#(values)]}"#
    }
    let text = """
      {"metadata":{\(array("tokens", "string", #""<unk>","a","b","<0x0A>","c""#)),
      \(array("token_type", "int32", "2,1,5,6,1")),\(array("scores", "float32", "0,-1.5,-9,-2,-4"))
      \(keys.isEmpty ? "" : ","+keys)}}
      """
    let document = try GGUFDocument(JSONObject(parsing: Array(text.utf8).raw, file: "f"), file: "f")
    return UnigramParts(
      try GGUFVocabulary(unigramOf: document), count: count, unknown: unknown)
  }

  private func flag(_ name: String) -> String {
    #""tokenizer.ggml.\#(name)":{"type":"bool","value":true}"#
  }

  private func types(_ steps: JSONValue?) -> [String] {
    (steps?.array ?? []).compactMap { $0["type"]?.string }
  }

  @Test(
    "entries have their scores; unused ones a text that no text has, and the worst score in use")
  func model() throws {
    let model = try parts().model
    #expect(model["type"]?.string == "Unigram" && model["unk_id"]?.integer == 0)
    #expect(model["byte_fallback"]?.bool == true)
    let entries = try #require(model["vocab"]?.array)
    #expect(entries.map { $0.array?.first?.string } == ["<unk>", "a", " 2", "<0x0A>", "c"])
    #expect(entries.map { $0.array?.last?.double } == [0, -1.5, -4, -2, -4])
  }

  @Test("entries beyond those that text can become are left out")
  func count() throws {
    let model = try parts(count: 2, unknown: nil).model
    #expect(model["vocab"]?.array?.count == 2 && model["unk_id"] == .null)
    #expect(try parts(count: 9).model["vocab"]?.array?.count == 5)
  }

  @Test("spaces become marks, with one before a text where the file adds it")
  func spaces() throws {
    let plain = try parts()
    #expect(plain.preTokenizer["prepend_scheme"]?.string == "never")
    #expect(types(plain.decoder["decoders"]) == ["Replace", "ByteFallback", "Fuse"])
    let prefixed = try parts(flag("add_space_prefix"))
    #expect(prefixed.preTokenizer["prepend_scheme"]?.string == "always")
    #expect(types(prefixed.decoder["decoders"]) == ["Replace", "ByteFallback", "Fuse", "Strip"])
  }

  @Test("text is normalised by the map of characters, and its spaces made one, where the file does")
  func normalizer() throws {
    #expect(try parts().normalizer == .null)
    let spaces = try parts(flag("remove_extra_whitespaces")).normalizer
    #expect(types(spaces["normalizers"]) == ["Strip", "Replace"])
    let map =
      #""tokenizer.ggml.precompiled_charsmap":{"type":"array","elementType":"uint8","#
      + #""value":[1,2,255]}"#
    let mapped = try parts(map).normalizer
    #expect(types(mapped["normalizers"]) == ["Precompiled"])
    let step = mapped["normalizers"]?.array?.first
    #expect(step?["precompiled_charsmap"]?.string == "AQL/")
  }
}
