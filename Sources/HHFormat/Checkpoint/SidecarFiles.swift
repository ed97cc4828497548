// The files that go with a model, wherever the model lies: what an export needs beside the weights.

/// The files beside a model's weights: tokenizer, processor, generation settings, licences, card.
package struct SidecarFiles: Sendable {
  /// The files, in byte order of their names; the metadata of a GGUF model comes last.
  package private(set) var files: [SidecarFile]
  /// Files that were left behind because of their size, with the bytes that they have.
  package private(set) var skipped: [(name: String, bytes: Int)]

  /// Collects the files of an opened model: those in a checkpoint's folder, those in an artifact,
  /// or, for a delta, those of its base, checked against their digests. Nothing is taken over from
  /// the folder of a delta that was opened without its base.
  ///
  /// - Throws: `missingInput` where a file cannot be opened, `badData` where one does not agree
  ///   with its digest or is a link that leads out of the folder, `unsupported` for more metadata
  ///   than could be read again.
  package init(of checkpoint: Checkpoint) throws(FormatError) {
    try self.init(ownOf: checkpoint)
    guard let tokenizer = checkpoint.givenTokenizer else { return }
    files = try tokenizer.replacing(in: files)
  }

  /// The files that the model came with.
  private init(ownOf checkpoint: Checkpoint) throws(FormatError) {
    if let artifact = checkpoint.artifact {
      let carried = try artifact.carriedFiles.map { (file) throws(FormatError) in
        SidecarFile(name: file.name, content: try artifact.readFile(file.name))
      }
      self.init(files: try carried + checkpoint.baseFiles())
      return
    }
    try self.init(in: checkpoint.directory)
    guard let gguf = checkpoint.ggufFiles.first else { return }
    // The file speaks for itself, whatever lies beside it.
    files.removeAll { $0.name == SidecarRules.ggufName }
    let metadata = JSONValue.object(try gguf.metadataJSON())
    guard metadata.itemCount <= JSONReader.maximumItems else {
      throw FormatError(
        .unsupported, file: gguf.path, place: "metadata",
        problem: "expected at most \(JSONReader.maximumItems) values in all, found"
          + " \(metadata.itemCount)")
    }
    let text = metadata.text
    if text.utf8.count <= SidecarRules.maximumSize {
      files.append(SidecarFile(name: SidecarRules.ggufName, content: Array(text.utf8)))
    } else {
      skipped.append((SidecarRules.ggufName, text.utf8.count))
    }
  }

  /// Collects the files of a folder that may go with a model, of all names or of those given.
  ///
  /// - Throws: `missingInput` where a file cannot be opened, `badData` for what is no file, such as a
  ///   pipe, and for a link that leads out of the folder.
  package init(in folder: String, named names: Set<String>? = nil) throws(FormatError) {
    self.init(files: [])
    let confinement = try Confinement(to: folder)
    for name in try directoryEntries(of: folder)
    where SidecarRules.allows(name) && names?.contains(name) != false {
      let path = join(folder, name)
      guard try PathKind(of: path) != .directory else { continue }
      try confinement.requireOwn(path)
      let file = try MappedFile(at: path)
      guard file.count <= SidecarRules.maximumSize else {
        skipped.append((name, file.count))
        continue
      }
      files.append(SidecarFile(name: name, content: file.bytes.copied()))
    }
  }

  private init(files: [SidecarFile]) {
    self.files = files
    skipped = []
  }
}
