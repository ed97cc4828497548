// Which files may go with a model's weights, and how large: the same on writing and on reading.

/// The closed list of files that go with a model.
///
/// An export puts them into a folder that other programs load, and some of those run what they find
/// under other names: `tokenization_x.py`, `torch.py`, `pytorch_model.bin`, `.git`. So a name is
/// carried because it is listed, never because nothing speaks against it.
package enum SidecarRules {
  /// The name under which the metadata of a GGUF model is carried, in an artifact or beside weights
  /// that were trained further; see `GGUFFile.metadataJSON`.
  package static let ggufName = "gguf.json"
  /// The name that the source's card has beside the card of an exported model.
  package static let sourceCardName = "SOURCE_README.md"
  /// Bytes beyond which a file is left behind, and refused in an artifact.
  package static let maximumSize = 64 << 20

  /// Whether an artifact may carry a file of this name.
  package static func allows(_ name: String) -> Bool {
    names.contains { $0.utf8.elementsEqual(name.utf8) } || isLegalText(name)
  }

  /// `config.json` is not among them: an artifact holds the configuration itself.
  private static let names: Set<String> = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "generation_config.json",
    "preprocessor_config.json", "processor_config.json", "chat_template.jinja",
    "chat_template.json", "README.md", ggufName,
  ]
  private static let legalPrefixes = ["LICENSE", "LICENCE", "NOTICE", "USE_POLICY"]
  private static let legalExtensions: Set<Substring> = ["TXT", "MD", "RST", "PDF"]

  /// Whether a name is that of a licence, a notice or the like: `LICENSE-MIT`, `Notice.txt`. Its
  /// extension, if any, is one of a text, or a number as in `LICENSE-2.0`.
  private static func isLegalText(_ name: String) -> Bool {
    // Before the letters change their case, since some others become these letters then.
    guard name.utf8.count <= 255,
      name.utf8.allSatisfy({ isAlphanumeric($0) || " ._-".utf8.contains($0) })
    else { return false }
    let name = name.uppercased()
    guard legalPrefixes.contains(where: { name.hasPrefix($0) }) else { return false }
    guard let dot = name.lastIndex(of: ".") else { return true }
    let last = name[name.index(after: dot)...]
    return legalExtensions.contains(last)
      || (!last.isEmpty && last.utf8.allSatisfy { (0x30...0x39).contains($0) })
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF)
  }
}
