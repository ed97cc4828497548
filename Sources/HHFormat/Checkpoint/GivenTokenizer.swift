// A tokenizer that is given in place of a model's own.

/// The files of a tokenizer that the user names, because the model has none or one that is not known
/// here.
struct GivenTokenizer: Sendable {
  /// The files, in byte order of their names.
  let files: [SidecarFile]
  private let folder: String

  /// Where the files lie.
  var paths: [String] { files.map { join(folder, $0.name) } }

  /// Files that are a tokenizer, alone or with their sidecars.
  private static let vocabularies = [
    "tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt",
  ]
  private static let settings: Set<String> = [
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt",
    "chat_template.jinja", "chat_template.json",
  ]
  private static let names = settings.union(vocabularies)

  /// Reads a tokenizer.
  ///
  /// - Parameter path: A folder with a tokenizer's files, or one of them, which the settings beside
  ///   it go with.
  /// - Throws: `missingInput` where there is none, `unsupported` for a file of another name, and what
  ///   reading sidecars throws.
  init(at path: String) throws(FormatError) {
    let expected =
      "expected a folder with one of \(Self.vocabularies.joined(separator: ", ")), or such a file"
    guard try PathKind(of: path) != .directory else {
      folder = path
      files = try SidecarFiles(in: path, named: Self.names).files
      guard files.contains(where: { Self.vocabularies.contains($0.name) }) else {
        throw FormatError(.missingInput, file: path, problem: "\(expected), found none of them")
      }
      return
    }
    let name = lastComponent(of: path)
    folder = directory(of: path)
    guard Self.vocabularies.contains(name) else {
      throw FormatError(.unsupported, file: path, problem: "\(expected), found another file")
    }
    files = try SidecarFiles(
      in: folder, named: Self.settings.union([name])
    ).files
    guard files.contains(where: { $0.name == name }) else {
      throw FormatError(.missingInput, file: path, problem: "\(expected), found none")
    }
  }

  /// The files of a model with this tokenizer for its own: the others as they are, and the metadata
  /// of a GGUF model without what it says of its tokenizer.
  func replacing(in others: [SidecarFile]) throws(FormatError) -> [SidecarFile] {
    var kept: [SidecarFile] = []
    for file in others where !Self.names.contains(file.name) {
      guard file.name == SidecarRules.ggufName else {
        kept.append(file)
        continue
      }
      var document = try JSONObject(parsing: file.content.raw, file: file.name)
      var metadata = JSONObject()
      for (key, value) in document["metadata"]?.object?.pairs ?? []
      where !key.hasPrefix("tokenizer.") { metadata[key] = value }
      document["metadata"] = .object(metadata)
      kept.append(
        SidecarFile(name: file.name, content: Array(JSONValue.object(document).text.utf8)))
    }
    let metadata = kept.filter { $0.name == SidecarRules.ggufName }
    kept.removeAll { $0.name == SidecarRules.ggufName }
    return (kept + files).sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) } + metadata
  }
}
