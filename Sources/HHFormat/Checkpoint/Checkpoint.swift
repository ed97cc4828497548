// A trained model as it lies on disk: tensors from one file or several, and its configuration.

/// An open checkpoint: a model as it was trained, or the artifact of a converted one. Opening maps
/// the files and checks their headers; no tensor is read.
package final class Checkpoint: Sendable {
  /// The path as given.
  package let path: String
  /// The folder that holds the files, as the path names it.
  package let directory: String
  /// Every tensor under its safetensors name: file by file, within a file in the order of the data.
  package let tensors: [TensorDescriptor]
  /// The model's configuration (`config.json`, or what a GGUF file says in its place), if any.
  package let configuration: JSONObject?
  /// Where the configuration was read; nil where the tensors' own file holds it.
  package let configurationPath: String?
  /// The tokenizer to use in place of the model's own, where one is given.
  let givenTokenizer: GivenTokenizer?
  private let source: any TensorSource
  /// The index in `tensors` of each name.
  private let positions: [ByteKey: Int]

  /// The name of the file format: `safetensors`, `gguf` or `artifact`.
  package var format: String { source.format }
  /// Every file that contributes tensors or says where they are: the shards, then their index.
  package var sourceFiles: [String] { source.sourceFiles }
  /// Every file that decides what the model computes: `sourceFiles` and the configuration.
  package var digestedFiles: [String] { sourceFiles + [configurationPath].compactMap(\.self) }
  /// The safetensors files with tensors.
  package var files: [SafetensorsFile] { (source as? SafetensorsTensors)?.files ?? [] }
  /// The GGUF files with tensors; the first has the metadata.
  package var ggufFiles: [GGUFFile] {
    (source as? AdaptedTensors)?.base.ggufFiles ?? (source as? GGUFTensors)?.files ?? []
  }
  /// The artifact that the tensors come from, where the checkpoint is one: its manifest says where
  /// each tensor came from, and it holds more than the model.
  package var artifact: ArtifactReader? { (source as? ArtifactTensors)?.reader }
  /// Whether the checkpoint is a model with an adapter, which is merged as it is read.
  package var isAdapted: Bool { source is AdaptedTensors }
  /// Whether the checkpoint is an artifact that needs the model it was made from.
  package var isDelta: Bool { artifact?.manifest.base != nil }
  /// Whether the tokenizer is not the model's own.
  package var hasGivenTokenizer: Bool { givenTokenizer != nil }
  /// Size of all tensors in bytes.
  package var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

  /// Opens a checkpoint.
  ///
  /// - Parameters:
  ///   - path: A `.safetensors` file, an index (`.json`) of several, a GGUF file, the first of
  ///     several, an artifact, or a folder that holds one of the others. In a folder
  ///     `model.safetensors.index.json` comes first, then `model.safetensors`, then the only
  ///     `.safetensors` file, then the only `.gguf` file or set of them.
  ///   - configuration: The configuration to use in place of `config.json` beside the tensors, of
  ///     the metadata of a GGUF file or of an artifact's manifest.
  ///   - base: For a delta artifact or a PEFT adapter the model that it was made from, in any of
  ///     the forms of `path`. A delta opens without it, but tensors that lie in the base cannot be
  ///     read then.
  ///   - tokenizer: The tokenizer to use in place of the model's own: a folder, or one of its
  ///     files.
  /// - Throws: `missingInput` where something named does not exist, `badData` where a file breaks
  ///   its format or contradicts another, `unsupported` for another known format.
  package init(
    opening path: String, configuration: String? = nil, base: String? = nil,
    tokenizer: String? = nil
  ) throws(FormatError) {
    let located = try CheckpointSource.locate(path)
    self.path = path
    switch located.content {
    case .adapter(let folder):
      guard let base else { throw try AdapterConfiguration(inFolder: folder).needsBase }
      source = try AdaptedTensors(opening: folder, base: base)
    case .file(let file) where try GGUFFile.isGGUF(file): source = try GGUFTensors(opening: file)
    case .file(let file) where try ArtifactReader.isArtifact(file):
      source = try ArtifactTensors(opening: file, base: base)
    case .file(let file): source = SafetensorsTensors(files: [try SafetensorsFile(at: file)])
    case .shards(let files): source = SafetensorsTensors(files: try ShardNames.open(files))
    case .index(let file):
      source = SafetensorsTensors(files: try ShardIndex(at: file).openShards(), index: file)
    }
    guard base == nil || source is ArtifactTensors || source is AdaptedTensors else {
      throw FormatError(
        .unsupported, file: path,
        problem: "expected a delta artifact or a PEFT adapter beside a base, found"
          + " \(source.format)")
    }
    // The tokenizer is the base's.
    directory = (source as? AdaptedTensors)?.base.directory ?? located.directory
    tensors = source.tensors
    // A name occurs once: the checks of headers, indexes and splits refuse a second one.
    positions = Self.positions(of: tensors)
    // What lies beside an artifact belongs to another model.
    let carriesConfiguration = source.configuration != nil || source is ArtifactTensors
    configurationPath =
      carriesConfiguration ? configuration : try located.configuration(orGiven: configuration)
    self.configuration = try Checkpoint.readConfiguration(configurationPath) ?? source.configuration
    givenTokenizer = try tokenizer.map { (path) throws(FormatError) in
      try GivenTokenizer(at: path)
    }
  }

  /// The same files with other names for their tensors, which stay different, and another
  /// configuration.
  package init(
    _ other: Checkpoint, configuration: JSONObject, renaming: (String) -> String
  ) {
    (path, directory, source) = (other.path, other.directory, other.source)
    (configurationPath, givenTokenizer) = (other.configurationPath, other.givenTokenizer)
    self.configuration = configuration
    tensors = other.tensors.map { tensor in
      TensorDescriptor(
        name: renaming(tensor.name), dtype: tensor.dtype, shape: tensor.shape,
        byteRange: tensor.byteRange)
    }
    positions = Self.positions(of: tensors)
  }

  /// The PEFT adapter in a folder, merged into the converted model that it was trained on.
  ///
  /// - Parameters:
  ///   - folder: The adapter's folder.
  ///   - base: The model, opened.
  ///   - names: The model's tensors that have a role.
  ///   - map: The name in `base` of a feature map's tensor, by its name in an export; nil for any other
  ///     name.
  /// - Throws: `unsupported` for what is no plain LoRA, `badData` for what does not fit the model.
  package init(
    mergingAdapter folder: String, into base: Checkpoint, names: NameMap,
    map: (String) -> String?
  ) throws(FormatError) {
    let merged = try AdaptedTensors(opening: folder, onto: base, names: names, map: map)
    (path, directory, source) = (folder, base.directory, merged)
    (tensors, configuration) = (merged.tensors, merged.configuration)
    (configurationPath, givenTokenizer) = (base.configurationPath, base.givenTokenizer)
    positions = Self.positions(of: tensors)
  }

  /// The place of each name among tensors.
  private static func positions(of tensors: [TensorDescriptor]) -> [ByteKey: Int] {
    var positions: [ByteKey: Int] = [:]
    for (index, tensor) in tensors.enumerated() { positions[ByteKey(tensor.name)] = index }
    return positions
  }

  /// The folder of the PEFT adapter that a path names; nil for any other path.
  ///
  /// - Throws: What `init(opening:)` throws for a path where no model lies.
  package static func adapterFolder(at path: String) throws(FormatError) -> String? {
    guard case .adapter(let folder) = try CheckpointSource.locate(path).content else { return nil }
    return folder
  }

  /// Checks the tensors and files of a delta's base against their digests, on `threads` threads.
  /// Does nothing where the checkpoint is no delta or was opened without its base.
  ///
  /// - Throws: `badData` naming the tensor, the digest expected and the one found.
  package func checkBase(threads: Int) throws(FormatError) {
    guard let source = source as? ArtifactTensors, source.base != nil else { return }
    try source.checkBase(threads: threads)
  }

  /// The files that a delta leaves to its base; none where there is no base.
  func baseFiles() throws(FormatError) -> [SidecarFile] {
    try (source as? ArtifactTensors)?.baseFiles() ?? []
  }

  /// Every file that the model is read from or takes along: those of its tensors, its
  /// configuration, and the files beside its weights; for a delta those of its base too.
  package func inputFiles() throws(FormatError) -> [String] {
    let files =
      sourceFiles + [configurationPath].compactMap(\.self) + (givenTokenizer?.paths ?? [])
    // What lies beside an artifact belongs to another model.
    if let artifact = source as? ArtifactTensors {
      return try files + (artifact.base?.inputFiles() ?? [])
    }
    let sidecars = try directoryEntries(of: directory).filter { SidecarRules.allows($0) }
    return files + sidecars.map { join(directory, $0) }
  }

  private static func readConfiguration(_ path: String?) throws(FormatError) -> JSONObject? {
    guard let path else { return nil }
    return try JSONObject(contentsOf: path)
  }

  /// The tensor of a name, or nil.
  package func descriptor(named name: String) -> TensorDescriptor? {
    positions[ByteKey(name)].map { tensors[$0] }
  }

  /// The tensor of a name, or nil.
  package subscript(name: String) -> TensorDescriptor? { descriptor(named: name) }

  /// How the file stores a tensor's elements: the element type, or a quantised type of GGUF.
  package func storedType(of name: String) throws(FormatError) -> String {
    source.storedType(of: try position(of: name))
  }

  /// The bytes of a tensor as they lie in the file, which may start at any address. An unknown name
  /// is an error, and so is a tensor that its file stores in another form: `withBytes` serves all.
  @_lifetime(borrow self)
  package func bytes(of name: String) throws(FormatError) -> RawSpan {
    let index = try position(of: name)
    guard let bytes = source.storedBytes(of: index, lentBy: self) else {
      throw error(
        of: name, "stored as \(source.storedType(of: index)) in another layout than is asked for",
        kind: .unsupported)
    }
    return bytes
  }

  /// Lends a tensor's bytes for the duration of a call: row-major, little-endian, at any address,
  /// of the element type and shape of its descriptor. A quantised tensor of a GGUF file is float32.
  package func withBytes<Result>(
    of name: String, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    try source.withBytes(of: try position(of: name), body)
  }

  /// The quantised type of GGUF in whose blocks a tensor is stored, row by row; nil for a tensor of
  /// plain elements, and for one whose blocks lie across its rows.
  package func blockType(of name: String) -> GGMLType? {
    positions[ByteKey(name)].flatMap { source.blockType(of: $0) }
  }

  /// Lends a range of the bytes of a tensor's blocks, bit for bit as the source has them, with the
  /// rows in the order of its shape. The tensor must have a block type.
  package func withBlocks<Result>(
    of name: String, in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    try source.withBlocks(of: try position(of: name), in: range, body)
  }

  /// A tensor's elements, to be read piece by piece.
  package func elements(of name: String) throws(FormatError) -> TensorElements {
    TensorElements(source, index: try position(of: name))
  }

  /// Lends a range of a tensor's bytes for the duration of a call; otherwise as `withBytes(of:)`.
  /// The range must lie inside the tensor and hold whole elements. None of it stays in memory.
  package func withBytes<Result>(
    of name: String, in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    try source.withBytes(of: try position(of: name), in: range, body)
  }

  /// Reads a tensor of F32, F16, BF16 or F64 as float32 into `output`, whose count must be the
  /// tensor's; the layout stays row-major.
  ///
  /// - Throws: `badData` for another number of elements, `unsupported` for another dtype, and what
  ///   reading the file throws.
  package func readFloats(
    of name: String, into output: inout MutableSpan<Float>
  ) throws(FormatError) {
    let index = try position(of: name)
    let tensor = tensors[index]
    guard tensor.elementCount == output.count else {
      throw error(of: name, "expected \(output.count) elements, found shape \(tensor.shape)")
    }
    guard try source.readFloats(of: index, into: &output) else {
      throw error(
        of: name, "expected the dtype F32, F16, BF16 or F64, found \(tensor.dtype.rawValue)",
        kind: .unsupported)
    }
  }

  /// Fills `output` with elements of a tensor of F32, F16, BF16 or F64, from the element with the
  /// index `first` on, as float32. None of the file's pages stay in memory.
  ///
  /// - Throws: `unsupported` for another dtype, and what reading the file throws.
  package func readFloats(
    of name: String, from first: Int, into output: inout MutableSpan<Float>
  ) throws(FormatError) {
    let index = try position(of: name)
    let tensor = tensors[index]
    let width = tensor.dtype.bitWidth / 8
    let isRead = try source.withBytes(
      of: index, in: first * width..<(first + output.count) * width
    ) { (bytes) throws(FormatError) in tensor.dtype.convert(bytes, to: &output) }
    guard isRead else {
      throw error(
        of: name, "expected the dtype F32, F16, BF16 or F64, found \(tensor.dtype.rawValue)",
        kind: .unsupported)
    }
  }

  /// Index of the first element of a tensor that is NaN or infinite, in row-major order; nil where
  /// all are finite, and for a dtype other than F16, BF16, F32 and F64.
  package func firstNonFinite(_ name: String) throws(FormatError) -> Int? {
    let index = try position(of: name)
    let tensor = tensors[index]
    guard tensor.dtype.isComputable else { return nil }
    let width = tensor.dtype.bitWidth / 8
    for range in windows(over: tensor.byteCount) {
      let found = try source.withBytes(of: index, in: range) { (bytes) throws(FormatError) in
        tensor.dtype.firstNonFinite(in: bytes)
      }
      if let found { return range.lowerBound / width + found }
    }
    return nil
  }

  /// Consecutive ranges that cover the bytes 0..<count: what is streamed through memory at a time.
  /// All but the last are a multiple of every element's size.
  package func windows(over count: Int) -> some Sequence<Range<Int>> {
    let size = 4 << 20
    return stride(from: 0, to: count, by: size).lazy.map { $0..<min($0 + size, count) }
  }

  private func position(of name: String) throws(FormatError) -> Int {
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
    let file = positions[ByteKey(name)].map { source.path(of: $0) }
    return FormatError(
      kind, file: file ?? path, place: "tensor \(quoted(name))", problem: problem)
  }
}
