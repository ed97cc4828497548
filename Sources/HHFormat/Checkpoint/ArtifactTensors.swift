// The tensors of an artifact as a checkpoint: decompressed when asked for, planes undone.

internal import Glibc
internal import Synchronization

/// The tensors of the model inside an artifact, those of its base first where it is a delta.
/// Training state and carried files are no part of the model.
final class ArtifactTensors: TensorSource {
  let reader: ArtifactReader
  /// The model that a delta was made from, where it is given.
  let base: Checkpoint?
  let tensors: [TensorDescriptor]
  let configuration: JSONObject?
  /// The tensors that lie in the base; they are the first of `tensors`.
  private let leftOut: [ArtifactBase.Tensor]
  /// Positions of base tensors whose digests were found right.
  private let checked = Mutex<Set<Int>>([])
  /// Threads that decompress one tensor.
  private let threads: Int

  /// Opens an artifact and, for a delta, the model at `base`, whose tensors must have the names,
  /// types and shapes that the delta says; their digests are checked when they are read.
  init(opening path: String, base: String?) throws(FormatError) {
    reader = try ArtifactReader(at: path)
    let manifest = reader.manifest
    leftOut = manifest.base?.tensors ?? []
    if let base {
      guard manifest.base != nil else {
        throw FormatError(
          .unsupported, file: path,
          problem: "expected a delta beside a base, found a whole artifact",
          remedy: "it needs no \(.base)")
      }
      self.base = try Checkpoint(opening: base)
    } else {
      self.base = nil
    }
    tensors =
      leftOut.map { TensorDescriptor($0.name, $0.dtype, $0.shape, $0.byteCount) }
      + manifest.tensors.filter { $0.origin.isModel }
      .map { TensorDescriptor($0.name, $0.dtype, $0.shape, $0.elementByteCount) }
    let configuration = manifest.description.architecture.config
    self.configuration = configuration.count == 0 ? nil : configuration
    threads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    try checkShapes()
  }

  var format: String { "artifact" }
  var sourceFiles: [String] { [reader.path] + (base?.sourceFiles ?? []) }

  func path(of index: Int) -> String {
    index < leftOut.count ? base?.path ?? reader.path : reader.path
  }

  func storedType(of index: Int) -> String {
    blockType(of: index)?.name ?? tensors[index].dtype.rawValue
  }

  @_lifetime(borrow owner)
  func storedBytes(of index: Int, lentBy owner: AnyObject) -> RawSpan? { nil }

  func withBytes<Result>(
    of index: Int, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let name = tensors[index].name
    if index < leftOut.count { return try checkedBase(index).withBytes(of: name, body) }
    if blockType(of: index) != nil {
      return try withDecodedBytes(of: index, in: 0..<tensors[index].byteCount, body)
    }
    let bytes = try reader.read(name, threads: threads)
    return try body(bytes.raw)
  }

  func withBytes<Result>(
    of index: Int, in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let name = tensors[index].name
    if index < leftOut.count {
      return try checkedBase(index).withBytes(of: name, in: range, body)
    }
    if blockType(of: index) != nil { return try withDecodedBytes(of: index, in: range, body) }
    let bytes = try reader.read(name, bytes: range)
    return try body(bytes.raw)
  }

  func readFloats(
    of index: Int, into output: inout MutableSpan<Float>
  ) throws(FormatError) -> Bool {
    let tensor = tensors[index]
    guard tensor.dtype.isComputable else { return false }
    if index < leftOut.count {
      try checkedBase(index).readFloats(of: tensor.name, into: &output)
    } else if let type = blockType(of: index) {
      let blocks = try reader.read(tensor.name, threads: threads)
      type.dequantize(blocks.raw, to: &output)
    } else {
      try reader.readFloats(of: tensor.name, into: &output, threads: threads)
    }
    return true
  }
}

extension ArtifactTensors {
  /// Checks the digests of all tensors and files of the base.
  func checkBase(threads: Int) throws(FormatError) {
    _ = try concurrentMap(count: leftOut.count, threads: threads) {
    } _: { (_, index) throws(FormatError) in
      _ = try self.checkedBase(index)
    }
    _ = try baseFiles()
  }

  /// The files that the delta leaves to its base, checked; none where no base is given.
  func baseFiles() throws(FormatError) -> [SidecarFile] {
    guard let base, let wanted = reader.manifest.base?.files, !wanted.isEmpty else { return [] }
    var found: [ByteKey: SidecarFile] = [:]
    for file in try SidecarFiles(of: base).files { found[ByteKey(file.name)] = file }
    return try wanted.map { (file) throws(FormatError) in
      guard let own = found[ByteKey(file.name)] else {
        throw mismatch("file \(quoted(file.name))", "expected in the base, found no such file")
      }
      let digest = ContentDigest.of(own.content)
      guard digest == file.sha256 else {
        throw mismatch(
          "file \(quoted(file.name))", "expected SHA-256 \(file.sha256), found \(digest)")
      }
      return own
    }
  }

  /// The base, once a tensor of it is known to be the one that the delta was made from.
  private func checkedBase(_ index: Int) throws(FormatError) -> Checkpoint {
    let tensor = leftOut[index]
    guard let base else {
      throw FormatError(
        .missingInput, file: reader.path, place: "tensor \(quoted(tensor.name))",
        problem: "expected in the model that this delta was made from, found no such model given",
        remedy: "pass it with \(.base)")
    }
    if checked.withLock({ $0.contains(index) }) { return base }
    let found = try base.withBytes(of: tensor.name) { (bytes) in ContentDigest.of(bytes) }
    guard found == tensor.sha256 else {
      throw mismatch(
        "tensor \(quoted(tensor.name))", "expected SHA-256 \(tensor.sha256), found \(found)")
    }
    checked.withLock { _ = $0.insert(index) }
    return base
  }

  private func checkShapes() throws(FormatError) {
    guard let base else { return }
    for tensor in leftOut {
      let found = base[tensor.name]
      guard found?.dtype == tensor.dtype, found?.shape == tensor.shape else {
        throw mismatch(
          "tensor \(quoted(tensor.name))",
          "expected \(tensor.dtype.rawValue) \(tensor.shape), found "
            + (found.map { "\($0.dtype.rawValue) \($0.shape)" } ?? "no such tensor"))
      }
    }
  }

  private func mismatch(_ place: String, _ problem: String) -> FormatError {
    FormatError(
      .badData, file: base?.path ?? reader.path, place: place, problem: problem,
      hint: "a delta needs the very model that it was made from: \(quoted(reader.path)) was made "
        + "from another")
  }
}

extension TensorDescriptor {
  /// A tensor whose file stores it in another form.
  fileprivate init(_ name: String, _ dtype: DType, _ shape: [Int], _ byteCount: Int) {
    self.init(name: name, dtype: dtype, shape: shape, byteRange: 0..<byteCount)
  }
}
