// The tensors of an artifact as a checkpoint: decompressed when asked for, planes undone.

/// The tensors of the model inside an artifact. Training state and carried files are no part of it.
struct ArtifactTensors: TensorSource {
  let reader: ArtifactReader
  let tensors: [TensorDescriptor]
  let configuration: JSONObject?

  init(opening path: String) throws(FormatError) {
    reader = try ArtifactReader(at: path)
    tensors = reader.tensors.filter { $0.origin.isModel }.map { tensor in
      TensorDescriptor(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, byteRange: 0..<tensor.byteCount
      )
    }
    let configuration = reader.manifest.description.architecture.config
    self.configuration = configuration.count == 0 ? nil : configuration
  }

  var format: String { "artifact" }
  var sourceFiles: [String] { [reader.path] }

  func path(of index: Int) -> String { reader.path }

  func storedType(of index: Int) -> String { tensors[index].dtype.rawValue }

  @_lifetime(borrow owner)
  func storedBytes(of index: Int, lentBy owner: AnyObject) -> RawSpan? { nil }

  func withBytes<Result>(
    of index: Int, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let bytes = try reader.read(tensors[index].name)
    return try body(bytes.raw)
  }

  func readFloats(
    of index: Int, into output: inout MutableSpan<Float>
  ) throws(FormatError) -> Bool {
    guard tensors[index].dtype.isComputable else { return false }
    try reader.readFloats(of: tensors[index].name, into: &output)
    return true
  }

  func firstNonFinite(of index: Int) throws(FormatError) -> Int? {
    let tensor = tensors[index]
    guard tensor.dtype.isScannable else { return nil }
    var found: Int?
    try reader.forEachChunk(of: tensor.name) { (bytes, range) throws(FormatError) in
      guard found == nil, let place = tensor.dtype.firstNonFinite(in: bytes) else { return }
      // Chunks hold whole elements.
      found = range.lowerBound / (tensor.dtype.bitWidth / 8) + place
    }
    return found
  }
}

extension TensorOrigin {
  /// Whether such a tensor is a parameter of the model.
  package var isModel: Bool { self != .state }
}
