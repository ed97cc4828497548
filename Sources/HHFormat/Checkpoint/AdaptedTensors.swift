// A model with a PEFT adapter: the base model's tensors, with what the adapter adds to them.

/// The tensors of a base model after merging a LoRA adapter, computed when they are read.
///
/// A tensor that the adapter leaves alone is the base's, bit for bit; one that it changes is float32.
final class AdaptedTensors: TensorSource {
  private enum Origin {
    /// A tensor of the base model, by its place there, and what is added to it.
    case base(String, LowRankUpdate?)
    /// A tensor of the adapter.
    case adapter(TensorDescriptor, LowRankUpdate?)
  }

  let tensors: [TensorDescriptor]
  let configuration: JSONObject?
  let base: Checkpoint
  private let weights: SafetensorsFile
  private let origins: [Origin]
  private let adapterFiles: [String]

  /// Opens the adapter in a folder with the model that it was trained on.
  convenience init(opening folder: String, base basePath: String) throws(FormatError) {
    let base = try Checkpoint(opening: basePath)
    guard !base.isConverted else {
      throw FormatError(
        .unsupported, file: basePath,
        problem:
          "expected the softmax model that the adapter was trained on, found a converted one",
        hint: "'hh-convert pack' takes an adapter of a converted model back into its artifact"
      )
    }
    try self.init(opening: folder, onto: base, names: try NameMap(base))
  }

  /// Opens the adapter in a folder with the opened model that it was trained on; `names` are the tensors
  /// of `base` that have a role, and `map` gives the name in `base` of a feature map's tensor by its
  /// name in an export.
  init(
    opening folder: String, onto base: Checkpoint, names: NameMap,
    map: (String) -> String? = { _ in nil }
  ) throws(FormatError) {
    let settings = try AdapterConfiguration(inFolder: folder)
    let files = try directoryEntries(of: folder)
    if !files.contains(AdapterConfiguration.weightsName),
      let other = files.first(where: { $0.hasPrefix("adapter_model.") })
    {
      let file = try MappedFile(at: join(folder, other))
      if let format = ForeignFormat(of: file.bytes, name: other) {
        throw format.error(file: file.path)
      }
    }
    let weights = try SafetensorsFile(at: join(folder, AdapterConfiguration.weightsName))
    let plan = try AdapterPlan(settings, weights, base, names: names, map: map)
    var (tensors, origins): ([TensorDescriptor], [Origin]) = ([], [])
    func add(_ tensor: TensorDescriptor, _ dtype: DType, _ origin: Origin) {
      let size = tensor.elementCount * dtype.bitWidth / 8
      tensors.append(
        TensorDescriptor(name: tensor.name, dtype: dtype, shape: tensor.shape, byteRange: 0..<size))
      origins.append(origin)
    }
    for tensor in base.tensors where !plan.dropped.contains(ByteKey(tensor.name)) {
      let update = plan.updates[ByteKey(tensor.name)]
      if let own = plan.replacements[ByteKey(tensor.name)] {
        add(tensor, update == nil ? own.dtype : .f32, .adapter(own, update))
      } else {
        add(tensor, update == nil ? tensor.dtype : .f32, .base(tensor.name, update))
      }
    }
    for (name, own) in plan.additions {
      add(
        TensorDescriptor(name: name, dtype: own.dtype, shape: own.shape, byteRange: own.byteRange),
        own.dtype, .adapter(own, nil))
    }
    (self.tensors, self.origins) = (tensors, origins)
    (self.base, self.weights) = (base, weights)
    configuration = plan.configuration
    adapterFiles = [weights.path, settings.path]
  }

  var format: String { base.format }
  var sourceFiles: [String] { adapterFiles + base.digestedFiles }

  func path(of index: Int) -> String {
    if case .base = origins[index] { base.path } else { weights.path }
  }

  func storedType(of index: Int) -> String { tensors[index].dtype.rawValue }

  @_lifetime(borrow owner)
  func storedBytes(of index: Int, lentBy owner: AnyObject) -> RawSpan? { nil }

  func withBytes<Result>(
    of index: Int, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    try withBytes(of: index, in: 0..<tensors[index].byteCount, body)
  }

  func withBytes<Result>(
    of index: Int, in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    switch origins[index] {
    case .base(let name, nil): return try base.withBytes(of: name, in: range, body)
    case .adapter(let tensor, nil):
      let file = weights
      return try body(file.bytes(of: tensor).extracting(range))
    case .base, .adapter:
      var values = [Float](repeating: 0, count: range.count / 4)
      var span = values.mutableSpan
      try merge(index, from: range.lowerBound / 4, into: &span)
      // Safe: floats have no padding.
      return try body(unsafe values.span.bytes)
    }
  }

  func readFloats(
    of index: Int, into output: inout MutableSpan<Float>
  ) throws(FormatError) -> Bool {
    guard tensors[index].dtype.isComputable else { return false }
    try merge(index, from: 0, into: &output)
    return true
  }

  /// Reads the elements from `start` on as float32, with what the adapter adds to them.
  private func merge(
    _ index: Int, from start: Int, into output: inout MutableSpan<Float>
  ) throws(FormatError) {
    switch origins[index] {
    case .base(let name, let update):
      try base.readFloats(of: name, from: start, into: &output)
      update?.add(from: start, to: &output)
    case .adapter(let tensor, let update):
      let width = tensor.dtype.bitWidth / 8
      let file = weights
      let bytes = file.bytes(of: tensor)
      _ = tensor.dtype.convert(
        bytes.extracting(start * width..<(start + output.count) * width), to: &output)
      update?.add(from: start, to: &output)
    }
  }
}
