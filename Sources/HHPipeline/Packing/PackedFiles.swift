// The files that go with a packed model: tokenizer, licences, card.

internal import HHFormat

/// The files of the trained folder over those of its base.
///
/// The base of a model from GGUF has its tokenizer in the metadata, from which the folder's files were
/// made: there the base's files stay alone.
struct PackedFiles {
  /// The files, in byte order of their names.
  let files: [SidecarFile]

  /// Collects the files.
  ///
  /// - Throws: What reading the files of either throws.
  init(of folder: String, base: Checkpoint?) throws(FormatError) {
    let own = try base.map { (base) throws(FormatError) in try SidecarFiles(of: base).files } ?? []
    guard !own.contains(where: { $0.name == SidecarRules.ggufName }) else {
      files = own
      return
    }
    let card = "README.md"
    var result = own
    for file in try SidecarFiles(in: folder).files {
      // The card beside the weights is that of the export or of an adapter.
      guard file.name != card, file.name != SidecarRules.ggufName else { continue }
      result.removeAll { $0.name == file.name }
      result.append(file)
    }
    if base == nil, let source = try SidecarFile(named: SidecarRules.sourceCardName, in: folder) {
      result.append(SidecarFile(name: card, content: source.content))
    }
    files = result.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }
}
