// The readers of what lies beside a tokenizer's own file.

internal import HHData
import HHFormat
package import HHTestSupport

/// Reads the same bytes as `tokenizer_config.json`, `special_tokens_map.json` and
/// `added_tokens.json` beside tokenizers of every kind.
package struct SettingsProbe: ReaderProbe {
  private static let names = [
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
  ]
  /// A folder for each tokenizer and each name.
  private let places: [(directory: String, name: String, file: String)]
  private let folder: TemporaryDirectory

  package init(in folder: TemporaryDirectory) throws {
    self.folder = folder
    var places: [(directory: String, name: String, file: String)] = []
    for (number, tokenizer) in try Self.tokenizers().enumerated() {
      for name in Self.names {
        let directory = "\(number)-\(name)"
        for (file, bytes) in tokenizer { try folder.write(bytes, to: "\(directory)/\(file)") }
        places.append((folder.path(directory), name, "\(directory)/\(name)"))
      }
    }
    self.places = places
  }

  private static func tokenizers() throws -> [[(String, [UInt8])]] {
    let files = try TokenizerProbe.seeds().prefix(2).map { [("tokenizer.json", $0)] }
    let pairs = [
      ("vocab.json", #"{"<|endoftext|>":0,"a":1,"b":2,"ab":3,"Ġ":4}"#), ("merges.txt", "a b\n"),
    ]
    let words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n##b\na\n"
    return files + [pairs.map { ($0, Array($1.utf8)) }, [("vocab.txt", Array(words.utf8))]]
      + (try SentencePieceProbe.seeds().prefix(1).map { [("tokenizer.model", $0)] })
  }

  package static func seeds() throws -> [[UInt8]] {
    let texts = [
      #"{"tokenizer_class":"BertTokenizer","do_lower_case":false,"strip_accents":null,"#
        + #""tokenize_chinese_chars":true,"unk_token":"[UNK]","cls_token":"[CLS]","#
        + #""sep_token":{"content":"[SEP]","lstrip":false,"rstrip":true,"normalized":true},"#
        + #""additional_special_tokens":["<x>"]}"#,
      #"{"tokenizer_class":"GPT2Tokenizer","add_prefix_space":true,"bos_token":"<|endoftext|>","#
        + #""added_tokens_decoder":{"5":{"content":"<y>","special":true,"single_word":true},"#
        + #""6":{"content":"a b","lstrip":true,"normalized":false}}}"#,
      #"{"tokenizer_class":"LlamaTokenizer","legacy":false,"add_bos_token":true,"#
        + #""add_eos_token":true,"unk_token":"<unk>","bos_token":"<s>","eos_token":"</s>","#
        + #""added_tokens_decoder":{"0":{"content":"<unk>"},"1":{"content":"<s>","special":true}},"#
        + #""extra_special_tokens":{"image":"<i>"}}"#,
      #"{"<new>":7,"<other>":8}"#, #"{"<new>":5}"#,
    ]
    return texts.map { Array($0.utf8) }
  }

  package func read(_ bytes: [UInt8]) throws {
    var refusal: FormatError?
    var isAccepted = false
    for place in places {
      try folder.write(bytes, to: place.file)
      let tokenizer: (any Tokenizer)?
      do throws(FormatError) {
        tokenizer = try TokenizerLoader.load(beside: place.directory)
      } catch {
        refusal = error
        continue
      }
      guard let tokenizer else { continue }
      use(tokenizer)
      if place.name == "tokenizer_config.json" { try checkListed(bytes, tokenizer) }
      isAccepted = true
    }
    if !isAccepted, let refusal { throw refusal }
  }

  /// A token that the settings list is one id, where it is looked for in the text as it is.
  private func checkListed(_ bytes: [UInt8], _ tokenizer: any Tokenizer) throws {
    let settings = try promised("parsing it") {
      try JSONObject(parsing: bytes.raw, file: "tokenizer_config.json")
    }
    for (id, token) in settings["added_tokens_decoder"]?.object?.pairs ?? [] {
      guard let text = token["content"]?.string, token["normalized"]?.bool != true else { continue }
      let found = tokenizer.encode(text)
      try require(found == [Int32(id)], "\(text.debugDescription) of id \(id) gives \(found)")
    }
  }
}
