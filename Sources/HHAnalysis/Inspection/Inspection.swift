// What a file holds, without reading its weights.

internal import HHData
package import HHFormat
internal import HHModel

/// A look into a checkpoint or an artifact: its kind, its model and its tensor table.
package struct Inspection: Sendable {
  /// One line of the tensor table.
  package struct Tensor: Sendable, Equatable {
    package let name: String
    package let dtype: DType
    package let shape: [Int]
    package let byteCount: Int
    /// How the file stores its elements: the element type, or a quantised type of GGUF.
    package let stored: String
    /// The tensor's role, or where an artifact's tensor came from.
    package let note: String
  }

  package let path: String
  /// `safetensors` or `artifact`.
  package let format: String
  /// The model's architecture, where it is one that this program knows.
  package let architecture: String?
  /// The model's extents; nil where it is none that can be run, or a delta, which lacks its tensors.
  package let facts: ModelFacts?
  /// Bytes of the file, or of the files of a checkpoint.
  package let fileSize: Int
  package let tensors: [Tensor]
  /// An artifact's manifest.
  package let manifest: ArtifactManifest?
  /// Why a checkpoint would not be converted, where that shows without reading weights.
  package let obstacle: SettingText?

  /// Opens and describes a file.
  package init(of path: String, configuration: String? = nil) throws(FormatError) {
    if try Self.isArtifact(path) {
      self.path = path
      // Only the header is unpacked.
      let reader = try ArtifactReader(at: path, limit: .none)
      format = "artifact"
      architecture = reader.manifest.description.architecture.name
      manifest = reader.manifest
      obstacle = nil
      let files = Set(reader.carriedFiles.map { ByteKey($0.tensorName) })
      let base = reader.manifest.base?.tensors ?? []
      fileSize = Self.size(of: [path])
      facts =
        reader.manifest.base == nil
        ? (try? ConvertedModel(opening: path)).flatMap { try? ModelFacts($0.checkpoint, $0.names) }
        : nil
      tensors =
        base.map { tensor in
          Tensor(
            name: tensor.name, dtype: tensor.dtype, shape: tensor.shape,
            byteCount: tensor.byteCount, stored: tensor.dtype.rawValue, note: "kept, in the base")
        }
        + reader.tensors.filter { !files.contains(ByteKey($0.name)) }.map { tensor in
          Tensor(
            name: tensor.name, dtype: tensor.dtype, shape: tensor.shape,
            byteCount: tensor.byteCount, stored: tensor.blockType?.name ?? tensor.dtype.rawValue,
            note: tensor.origin.rawValue)
        }
      return
    }
    let checkpoint = try Checkpoint(opening: path, configuration: configuration)
    if let artifact = checkpoint.artifact {
      // A folder's only file, decompressed.
      self = try Inspection(of: artifact.path)
      return
    }
    self.path = path
    format = checkpoint.format
    manifest = nil
    fileSize = Self.size(of: checkpoint.sourceFiles)
    let maps =
      checkpoint.ggufFiles.isEmpty
      ? [] : checkpoint.tensors.filter { GGUFLayout.isMap($0.name) }
    let names = Self.names(of: checkpoint, without: maps)
    var roles: [ByteKey: String] = [:]
    if case .success(let names) = names {
      for entry in names.entries { roles[ByteKey(entry.tensor.name)] = entry.role }
      for entry in names.dropped { roles[ByteKey(entry.tensor.name)] = "dropped: \(entry.why)" }
      for map in maps { roles[ByteKey(map.name)] = "feature map" }
      architecture = names.schema.architecture
      facts = try? ModelFacts(checkpoint, names)
      // Maps without parameters show in the architecture's name only.
      let isConverted = !maps.isEmpty || checkpoint.linearAttentionName != nil
      obstacle = isConverted ? "the model has Hedgehog attention already" : nil
    } else {
      (architecture, facts) = (nil, nil)
      if case .failure(let error) = names { obstacle = error.text } else { obstacle = nil }
    }
    tensors = try checkpoint.tensors.map { (tensor) throws(FormatError) in
      let stored = try checkpoint.storedType(of: tensor.name)
      let role = roles[ByteKey(tensor.name)] ?? ""
      return Tensor(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, byteCount: tensor.byteCount,
        stored: stored,
        note: stored == tensor.dtype.rawValue ? role : "\(role) (stored as \(stored))")
    }
  }

  private static func size(of files: [String]) -> Int {
    files.reduce(0) { $0 + ((try? MappedFile(at: $1).count) ?? 0) }
  }

  private static func names(
    of checkpoint: Checkpoint, without maps: [TensorDescriptor]
  ) -> Result<NameMap, FormatError> {
    let left = Set(maps.map { ByteKey($0.name) })
    do throws(FormatError) {
      return .success(
        try NameMap(
          tensors: checkpoint.tensors.filter { !left.contains(ByteKey($0.name)) },
          configuration: checkpoint.configuration,
          configurationPath: checkpoint.configurationPath, checkpointPath: checkpoint.path))
    } catch {
      return .failure(error)
    }
  }

  /// Whether a path is that of an artifact's file. What is not there may be the name of a model of
  /// the Hugging Face hub.
  package static func isArtifact(_ path: String) throws(FormatError) -> Bool {
    guard isPresent(path), try PathKind(of: path) == .regularFile else { return false }
    return try ArtifactReader.isArtifact(path)
  }

  /// Elements of all tensors.
  package var parameterCount: Int { tensors.reduce(0) { $0 + $1.shape.reduce(1, *) } }
  /// Bytes of all tensors, uncompressed.
  package var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

  /// Number of the tensors of each way of storing elements, the most frequent first; empty where
  /// elements are stored as what they are.
  var storage: [(type: String, count: Int)] {
    guard tensors.contains(where: { $0.stored != $0.dtype.rawValue }) else { return [] }
    return Dictionary(grouping: tensors, by: \.stored).map { ($0.key, $0.value.count) }
      .sorted { ($1.count, $0.type) < ($0.count, $1.type) }
  }

  /// Number and bytes of the tensors of each element type, in the order in which they occur.
  package var dtypes: [(dtype: DType, count: Int, byteCount: Int)] {
    var totals: [(dtype: DType, count: Int, byteCount: Int)] = []
    for tensor in tensors {
      let index = totals.firstIndex { $0.dtype == tensor.dtype } ?? totals.count
      if index == totals.count { totals.append((tensor.dtype, 0, 0)) }
      totals[index].count += 1
      totals[index].byteCount += tensor.byteCount
    }
    return totals
  }
}
