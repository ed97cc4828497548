// The readers of texts, labelled and not.

internal import HHData
import HHFormat
package import HHTestSupport

/// Reads JSON, JSON lines, comma- and tab-separated texts and plain text, as rows for a decoder and
/// as labelled texts for an encoder.
package struct TextProbe: ReaderProbe {
  private let folder: TemporaryDirectory
  private let tokenizer: any Tokenizer

  package init(in folder: TemporaryDirectory) throws {
    self.folder = folder
    try folder.write(try TokenizerProbe.seeds()[1], to: "tokenizer/tokenizer.json")
    let loaded = try TokenizerLoader.load(beside: folder.path("tokenizer"))
    guard let loaded else { throw ProbeFailure("no tokenizer") }
    tokenizer = loaded
  }

  package static func seeds() throws -> [[UInt8]] {
    let texts = [
      "{\"text\":\"the ab\\u00e9\",\"label\":1}\n{\"text\":\"a \\ud83d\\ude00\",\"label\":\"no\"}\n",
      #"[{"sentence1":"the","sentence2":"ab","label":0},{"sentence1":"a","sentence2":"","label":1}]"#,
      "sentence,label\n\"the \"\"ab\"\", a\",1\r\na\u{e9},0\n",
      "question\tsentence\tlabel\nthe\tab a\t1\na\tthe\t0\n",
    ]
    return texts.map { Array($0.utf8) }
  }

  package func read(_ bytes: [UInt8]) throws {
    let ending: String =
      switch bytes.first {
      case UInt8(ascii: "{"): "jsonl"
      case UInt8(ascii: "["): "json"
      default: bytes.contains(UInt8(ascii: "\t")) ? "tsv" : "csv"
      }
    let path = try folder.write(bytes, to: "data.\(ending)")
    let classes = DataSource.Purpose.encoder(length: 8, classes: ["no", "yes"], tokenTypes: 2)
    var refusal: FormatError?
    var isAccepted = false
    for purpose in [classes, .decoder(length: 2)] {
      let rows: DataRows
      do throws(FormatError) {
        rows = try DataSource(
          at: path, for: purpose, tokenizer: tokenizer, vocabularySize: 8,
          files: ModelFiles(in: folder.path)
        ).rows
      } catch {
        refusal = error
        continue
      }
      isAccepted = true
      guard let labels = rows.labels else { continue }
      try require(
        labels.count == rows.count && labels.allSatisfy { (0..<2).contains($0) },
        "labels \(labels)")
    }
    if !isAccepted, let refusal { throw refusal }
  }
}
