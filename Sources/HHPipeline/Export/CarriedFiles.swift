// The files beside a model's weights that go where the model goes.

internal import HHFormat

/// A tokenizer, processor, generation, licence or card file of the source.
struct CarriedFile {
  /// A plain file name.
  let name: String
  /// Its content.
  let read: () throws(FormatError) -> [UInt8]
}

extension ExportSource {
  /// The files that go along: of an artifact those it carries, of a checkpoint those beside it.
  func carriedFiles() throws(FormatError) -> [CarriedFile] {
    guard manifest == nil else { return [] }
    let folder = checkpoint.directory
    return try directoryEntries(of: folder).filter(Self.isCarried).map { name in
      CarriedFile(name: name) { () throws(FormatError) in
        let file = try MappedFile(at: join(folder, name))
        return file.bytes.copied()
      }
    }
  }

  private static let carriedNames: Set<String> = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "generation_config.json",
    "preprocessor_config.json", "README.md",
  ]

  private static func isCarried(_ name: String) -> Bool {
    let prefixes = ["LICENSE", "NOTICE", "USE_POLICY", "chat_template."]
    return carriedNames.contains(name) || prefixes.contains { name.hasPrefix($0) }
  }
}
