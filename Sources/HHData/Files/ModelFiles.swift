// The small files that belong to a model: its tokenizer, its image processor.

package import HHFormat

/// The files beside a model's weights, by name: in its folder, or carried in its artifact.
package struct ModelFiles: Sendable {
  /// The folder, or what stands for it in messages.
  private let place: String
  /// The files in memory; nil where they are read from the folder.
  private let contents: [String: [UInt8]]?
  /// The metadata of a GGUF model, which says what such files would.
  package let gguf: (any GGUFMetadataSource)?

  /// The files of a folder.
  package init(in directory: String) {
    self.init(in: directory, gguf: nil)
  }

  private init(in directory: String, gguf: (any GGUFMetadataSource)?) {
    place = directory
    contents = nil
    self.gguf = gguf
  }

  /// Files in memory; `owner` is the file that carries them.
  private init(_ files: [SidecarFile], of owner: String) throws(FormatError) {
    place = owner
    gguf = try files.first { $0.name == SidecarRules.ggufName }.map {
      (file) throws(FormatError) in
      let (bytes, path) = (file.content, join(owner, file.name))
      return try GGUFDocument(try JSONObject(parsing: bytes.raw, file: path), file: path)
    }
    contents = Dictionary(
      files.map { ($0.name, $0.content) }, uniquingKeysWith: { first, _ in first })
  }

  /// The files of an opened model.
  ///
  /// - Throws: `FormatError` for an artifact whose files are damaged.
  package init(of checkpoint: Checkpoint) throws(FormatError) {
    if checkpoint.artifact == nil, !checkpoint.hasGivenTokenizer {
      let path = join(checkpoint.directory, SidecarRules.ggufName)
      if let file = checkpoint.ggufFiles.first {
        self.init(in: checkpoint.directory, gguf: file)
      } else if isPresent(path) {
        let document = try GGUFDocument(JSONObject(contentsOf: path), file: path)
        self.init(in: checkpoint.directory, gguf: document)
      } else {
        self.init(in: checkpoint.directory)
      }
    } else {
      try self.init(try SidecarFiles(of: checkpoint).files, of: checkpoint.path)
    }
  }

  /// Whether there is a file of this name.
  func holds(_ name: String) -> Bool {
    contents.map { $0[name] != nil } ?? isPresent(path(name))
  }

  /// The path of a file, for messages too.
  package func path(_ name: String) -> String { join(place, name) }

  /// The path of a file in the folder, which is none that a link leads out of it.
  private func ownPath(_ name: String) throws(FormatError) -> String {
    try Confinement(to: place).requireOwn(path(name))
    return path(name)
  }

  /// The content of a file.
  func bytes(_ name: String) throws(FormatError) -> [UInt8] {
    guard let contents else { return try readBytes(at: try ownPath(name)) }
    guard let bytes = contents[name] else {
      throw FormatError(
        .missingInput, file: place, problem: "expected the file \(quoted(name)), found none")
    }
    return bytes
  }

  /// The text of a file, without a byte order mark before it.
  func text(_ name: String) throws(FormatError) -> String {
    try validText(try bytes(name).withoutByteOrderMark, file: path(name))
  }

  /// The JSON object of a file.
  func object(_ name: String) throws(FormatError) -> JSONObject {
    guard contents != nil else { return try JSONObject(contentsOf: try ownPath(name)) }
    let bytes = try bytes(name)
    return try JSONObject(parsing: bytes.raw, file: path(name))
  }
}
