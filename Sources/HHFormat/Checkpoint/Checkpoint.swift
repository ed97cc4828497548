// A trained model as it lies on disk: tensors from one file or several, and its configuration.

/// An open checkpoint. Opening maps the files and checks their headers; no tensor is read.
package final class Checkpoint: Sendable {
  /// The path as given.
  package let path: String
  /// The folder that holds the files, as the path names it.
  package let directory: String
  /// The files with tensors.
  package let files: [SafetensorsFile]
  /// Every tensor: file by file, within a file in the order of the data.
  package let tensors: [TensorDescriptor]
  /// The model's configuration (`config.json`), where there is one.
  package let configuration: JSONObject?
  /// Where the configuration was read.
  package let configurationPath: String?
  /// Every file that contributes tensors or says where they are: the shards, then their index.
  package let sourceFiles: [String]
  /// For each name the position in `tensors` and in `files`.
  private let positions: [ByteKey: (tensor: Int, file: Int)]

  /// The name of the file format.
  package var format: String { "safetensors" }
  /// Size of all tensors in bytes.
  package var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

  /// Opens a checkpoint.
  ///
  /// - Parameters:
  ///   - path: A `.safetensors` file, an index (`.json`) of several, or a folder that holds one of
  ///     these. In a folder `model.safetensors.index.json` comes first, then `model.safetensors`,
  ///     then the only `.safetensors` file.
  ///   - configuration: The configuration to use in place of `config.json` beside the tensors.
  /// - Throws: `missingInput` where something named does not exist, `badData` where a file breaks
  ///   its format or contradicts another, `unsupported` for another known format.
  package init(opening path: String, configuration: String? = nil) throws(FormatError) {
    let source = try CheckpointSource.locate(path)
    self.path = path
    directory = source.directory
    switch source.content {
    case .file(let file):
      files = [try SafetensorsFile(at: file)]
      sourceFiles = [file]
    case .index(let file):
      files = try ShardIndex(at: file).openShards()
      sourceFiles = files.map(\.path) + [file]
    }
    tensors = files.flatMap(\.tensors)
    var positions: [ByteKey: (tensor: Int, file: Int)] = [:]
    for (number, file) in files.enumerated() {
      // A name occurs once: within a file the header check, across files the index check says so.
      for tensor in file.tensors { positions[ByteKey(tensor.name)] = (positions.count, number) }
    }
    self.positions = positions
    configurationPath = try source.configuration(orGiven: configuration)
    self.configuration = try Checkpoint.readConfiguration(configurationPath)
  }

  private static func readConfiguration(_ path: String?) throws(FormatError) -> JSONObject? {
    guard let path else { return nil }
    return try JSONObject(contentsOf: path)
  }

  /// The tensor of a name, or nil.
  package func descriptor(named name: String) -> TensorDescriptor? {
    positions[ByteKey(name)].map { tensors[$0.tensor] }
  }

  /// The tensor of a name, or nil.
  package subscript(name: String) -> TensorDescriptor? { descriptor(named: name) }

  /// The bytes of a tensor, which may start at any address; an unknown name is an error.
  @_lifetime(borrow self)
  package func bytes(of name: String) throws(FormatError) -> RawSpan {
    let position = try position(of: name)
    return files[position.file].bytes(of: tensors[position.tensor], lentBy: self)
  }

  /// Reads a tensor of F32, F16 or BF16 as float32, exactly, into `output`, whose count must be the
  /// tensor's; the layout stays row-major.
  package func readFloats(
    of name: String, into output: inout MutableSpan<Float>
  ) throws(FormatError) {
    let tensor = tensors[try position(of: name).tensor]
    guard tensor.elementCount == output.count else {
      throw error(of: name, "expected \(output.count) elements, found shape \(tensor.shape)")
    }
    guard tensor.dtype.convert(try bytes(of: name), to: &output) else {
      throw error(
        of: name, "expected the dtype F32, F16 or BF16, found \(tensor.dtype.rawValue)",
        kind: .unsupported)
    }
  }

  /// Index of the first element of a tensor that is NaN or infinite, in row-major order; nil where
  /// all are finite, and for a dtype other than F16, BF16, F32 and F64.
  package func firstNonFinite(_ name: String) throws(FormatError) -> Int? {
    let tensor = tensors[try position(of: name).tensor]
    return tensor.dtype.firstNonFinite(in: try bytes(of: name))
  }

  private func position(of name: String) throws(FormatError) -> (tensor: Int, file: Int) {
    guard let position = positions[ByteKey(name)] else {
      throw FormatError(
        .badData, file: path, place: "tensor \(quoted(name))",
        problem: "expected in the checkpoint, found no such tensor")
    }
    return position
  }

  private func error(
    of name: String, _ problem: String, kind: FormatError.Kind = .badData
  ) -> FormatError {
    let file = positions[ByteKey(name)].map { files[$0.file].path }
    return FormatError(
      kind, file: file ?? path, place: "tensor \(quoted(name))", problem: problem)
  }
}
