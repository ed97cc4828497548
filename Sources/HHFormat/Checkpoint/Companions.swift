// The files that go with a model, wherever the model lies: what an export needs beside the weights.

/// The files beside a model's weights: tokenizer, processor, generation settings, licences, card.
package struct Companions: Sendable {
  /// The name under which the metadata of a GGUF model is carried, in an artifact or beside weights
  /// that were trained further; see `GGUFFile.metadataJSON`.
  package static let ggufName = "gguf.json"
  /// Larger files are left behind.
  package static let maximumSize = 64 << 20

  /// The files, in byte order of their names; the metadata of a GGUF model comes last.
  package let files: [CompanionFile]
  /// Files that were left behind because of their size, with the bytes that they have.
  package let skipped: [(name: String, bytes: Int)]

  /// Collects the files of an opened model: those in a checkpoint's folder, those in an artifact,
  /// or, for a delta, those of its base, checked against their digests. Nothing is taken over from
  /// the folder of a delta that was opened without its base.
  ///
  /// - Throws: `missingInput` where a file cannot be opened, `badData` where one does not agree
  ///   with its digest, `unsupported` for more metadata than could be read again.
  package init(of checkpoint: Checkpoint) throws(FormatError) {
    if let artifact = checkpoint.artifact {
      files =
        try artifact.carriedFiles.map { (file) throws(FormatError) in
          CompanionFile(name: file.name, content: try artifact.readFile(file.name))
        } + checkpoint.baseFiles()
      skipped = []
      return
    }
    var files: [CompanionFile] = []
    var skipped: [(name: String, bytes: Int)] = []
    for name in try directoryEntries(of: checkpoint.directory)
    where Self.isCompanion(name) || (name == Self.ggufName && checkpoint.ggufFiles.isEmpty) {
      let path = join(checkpoint.directory, name)
      guard try PathKind(of: path) == .regularFile else { continue }
      let file = try MappedFile(at: path)
      guard file.count <= Self.maximumSize else {
        skipped.append((name, file.count))
        continue
      }
      files.append(CompanionFile(name: name, content: file.bytes.copied()))
    }
    if let gguf = checkpoint.ggufFiles.first {
      let metadata = JSONValue.object(try gguf.metadataJSON())
      guard metadata.itemCount <= JSONReader.maximumItems else {
        throw FormatError(
          .unsupported, file: gguf.path, place: "metadata",
          problem: "expected at most \(JSONReader.maximumItems) values in all, found"
            + " \(metadata.itemCount)")
      }
      let text = metadata.text
      if text.utf8.count <= Self.maximumSize {
        files.append(CompanionFile(name: Self.ggufName, content: Array(text.utf8)))
      } else {
        skipped.append((Self.ggufName, text.utf8.count))
      }
    }
    self.files = files
    self.skipped = skipped
  }

  /// Whether a file of this name goes with a model. `config.json` is not among them: an artifact
  /// holds the configuration itself.
  static func isCompanion(_ name: String) -> Bool {
    CarriedFile.isPlain(name)
      && (names.contains(name) || prefixes.contains { name.uppercased().hasPrefix($0) })
  }

  private static let names: Set<String> = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "generation_config.json",
    "preprocessor_config.json", "processor_config.json", "README.md",
  ]
  private static let prefixes = ["CHAT_TEMPLATE.", "LICENSE", "LICENCE", "NOTICE", "USE_POLICY"]
}
