// The readers of tokenizers and of arrays.

internal import HHData
import HHFormat
package import HHTestSupport

/// Encodes and decodes a text of several scripts, and ids that the vocabulary may not have.
func use(_ tokenizer: any Tokenizer) {
  let text = "The  ab\tÄ é 😀 don't 12345\n<|endoftext|> [MASK] \u{301}你好"
  let ids = tokenizer.encodeForModel(text)
  _ = tokenizer.decode(ids + [-1, .max, 0])
}

/// Reads `tokenizer.json`.
package struct TokenizerProbe: ReaderProbe {
  private let folder: TemporaryDirectory

  package init(in folder: TemporaryDirectory) { self.folder = folder }

  package static func seeds() throws -> [[UInt8]] {
    let frame =
      #""added_tokens":[{"id":0,"content":"<|endoftext|>","special":true,"#
      + #""single_word":false,"lstrip":false,"rstrip":false,"normalized":false}],"#
    let texts = [
      #"{"version":"1.0",\#(frame)"normalizer":null,"pre_tokenizer":{"type":"ByteLevel","#
        + #""add_prefix_space":false,"use_regex":true},"post_processor":null,"decoder":"#
        + #"{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"<|endoftext|>":0,"a":1,"b":2,"#
        + #""ab":3,"\u0120":4},"merges":["a b"]}}"#,
      #"{"added_tokens":[{"id":0,"content":"[UNK]","special":true}],"normalizer":{"type":"#
        + #""BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"#
        + #""lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"model":{"type":"#
        + #""WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"\u0023\u0023","#
        + #""max_input_chars_per_word":100,"vocab":{"[UNK]":0,"the":1,"\u0023\u0023b":2,"a":3}}}"#,
      #"{"added_tokens":[],"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","#
        + #""prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},"#
        + #""model":{"type":"BPE","unk_token":"<unk>","byte_fallback":true,"fuse_unk":true,"#
        + #""vocab":{"<unk>":0,"▁":1,"a":2,"b":3,"ab":4},"merges":[["a","b"]]}}"#,
      #"{"normalizer":{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"Lowercase"},"#
        + #"{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "},{"type":"Strip"}]},"#
        + #""pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"},"#
        + #""decoder":{"type":"Metaspace","replacement":"▁"},"model":{"type":"Unigram","#
        + #""unk_id":0,"vocab":[["<unk>",0],["▁",-1.5],["a",-2],["▁a",-2.5],["b",-3]]}}"#,
      #"{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits"},"#
        + #"{"type":"Split","pattern":{"String":"a"},"behavior":"MergedWithNext"}]},"#
        + #""post_processor":{"type":"BertProcessing","cls":["a",1],"sep":["b",2]},"#
        + #""model":{"type":"WordLevel","unk_token":"[UNK]","vocab":{"[UNK]":0,"a":1,"b":2}}}"#,
    ]
    return texts.map { Array($0.utf8) }
  }

  package func read(_ bytes: [UInt8]) throws {
    try folder.write(bytes, to: "tokenizer.json")
    if let tokenizer = try TokenizerLoader.load(beside: folder.path) { use(tokenizer) }
  }
}

/// Reads `tokenizer.model`.
package struct SentencePieceProbe: ReaderProbe {
  private let folder: TemporaryDirectory

  package init(in folder: TemporaryDirectory) { self.folder = folder }

  package static func seeds() throws -> [[UInt8]] {
    func varint(_ value: Int) -> [UInt8] {
      value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + varint(value >> 7)
    }
    func field(_ number: Int, _ value: [UInt8]) -> [UInt8] {
      varint(number << 3 | 2) + varint(value.count) + value
    }
    let pieces = [("<unk>", 2), ("<s>", 3), ("</s>", 3), ("a", 1), ("b", 1), ("▁", 1), ("ab", 1)]
    let texts = pieces.flatMap { text, kind in
      field(1, field(1, Array(text.utf8)) + [0x15, 0, 0, 0x80, 0xBF, 0x18, UInt8(kind)])
    }
    // Trainer: BPE. Normaliser: no extra spaces removed.
    return [
      texts + field(2, [0x18, 2]) + field(3, [0x20, 0]),
      // Unigram, with a map of characters that holds nothing.
      texts + field(2, [0x18, 1]) + field(3, field(2, [4, 0, 0, 0, 0, 4, 0, 0, 0x61, 0])),
    ]
  }

  package func read(_ bytes: [UInt8]) throws {
    try folder.write(bytes, to: "tokenizer.model")
    if let tokenizer = try TokenizerLoader.load(beside: folder.path) { use(tokenizer) }
  }
}

/// Reads an array of NumPy as rows of tokens and as images, or of IDX as images.
package struct ArrayProbe: ReaderProbe {
  private let folder: TemporaryDirectory

  package init(in folder: TemporaryDirectory) { self.folder = folder }

  package static func seeds() throws -> [[UInt8]] {
    func numpy(_ type: String, _ shape: String, _ data: [UInt8]) -> [UInt8] {
      let text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape)), }"
      let padded = text + String(repeating: " ", count: 127 - 10 - text.utf8.count) + "\n"
      return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(padded.utf8.count), 0]
        + Array(padded.utf8) + data
    }
    let pixels = (0..<32).map { UInt8($0 * 8) }
    return [
      numpy("<i4", "2, 4", (0..<8).flatMap { [UInt8($0), 0, 0, 0] }),
      numpy("|u1", "2, 4, 4", pixels),
      [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 4] + pixels,
    ]
  }

  package func read(_ bytes: [UInt8]) throws {
    let isIDX = bytes.first == 0
    let path = try folder.write(bytes, to: isIDX ? "images-idx3-ubyte" : "rows.npy")
    let images = DataSource.Purpose.images(ImageShape(channels: 1, height: 4, width: 4))
    do throws(FormatError) {
      _ = try DataSource(
        at: path, for: images, tokenizer: nil, vocabularySize: 8, files: ModelFiles(in: folder.path)
      )
    } catch {
      guard !isIDX else { throw error }
      _ = try DataSource(
        at: path, for: .decoder(length: 4), tokenizer: nil, vocabularySize: 8,
        files: ModelFiles(in: folder.path))
    }
  }
}
