// A file of the source that an artifact takes along: a tokenizer, a licence, a model card.

/// A file that goes with a model's weights, with its content.
package struct SidecarFile: Sendable, Equatable {
  /// The plain name.
  package let name: String
  /// The content.
  package let content: [UInt8]

  /// Wraps a file.
  package init(name: String, content: [UInt8]) {
    self.name = name
    self.content = content
  }
}

extension SidecarFile {
  /// Reads a file of a model's folder by its name; nil where there is none, or one that is larger than
  /// what goes with a model.
  ///
  /// - Throws: `badData` for what is no file and for a link that leads out of the folder.
  package init?(named name: String, in folder: String) throws(FormatError) {
    guard try directoryEntries(of: folder).contains(name) else { return nil }
    let path = join(folder, name)
    try Confinement(to: folder).requireOwn(path)
    let file = try MappedFile(at: path)
    guard file.count <= SidecarRules.maximumSize else { return nil }
    self.init(name: name, content: file.bytes.copied())
  }
}

/// What a manifest says of a carried file.
package struct CarriedFile: Sendable, Equatable {
  /// The name: one that `SidecarRules` allows.
  package let name: String
  /// The file's size.
  package let bytes: Int
  /// SHA-256 of the content, in hexadecimal.
  package let sha256: String

  /// Creates a description of a file.
  package init(name: String, bytes: Int, sha256: String) {
    self.name = name
    self.bytes = bytes
    self.sha256 = sha256
  }

  /// What the names of tensors that hold files begin with.
  static let tensorPrefix = "hedgehog.files/"

  /// The tensor that holds the file's bytes.
  package var tensorName: String { Self.tensorPrefix + name }
}

extension ArtifactReader {
  /// The files that the artifact carries, in order.
  package var carriedFiles: [CarriedFile] { manifest.files }

  /// The content of a carried file, checked against its digest. A name that is not carried is an
  /// error.
  package func readFile(_ name: String) throws(FormatError) -> [UInt8] {
    guard let file = manifest.files.first(where: { ByteKey($0.name) == ByteKey(name) }) else {
      throw FormatError(
        .badData, file: path, place: "file \(quoted(name))", problem: "not in this artifact")
    }
    let bytes = try read(file.tensorName)
    let found = ContentDigest.of(bytes)
    guard found == file.sha256 else {
      throw FormatError(
        .badData, file: path, place: "file \(quoted(name))",
        problem: "expected SHA-256 \(file.sha256), found \(found)")
    }
    return bytes
  }
}
