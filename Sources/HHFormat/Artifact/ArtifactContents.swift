// What goes into an artifact: the tensors, the files as tensors, and the manifest that lists them.

/// The content of one artifact, checked for names and sizes.
struct ArtifactContents {
  /// Every tensor to digest: those given, and the files unless they are left to a base.
  let tensors: [ArtifactTensor]
  private let files: [CarriedFile]
  private let options: ArtifactOptions

  /// Throws `.badData` where two tensors have one name, or one does not fill its shape.
  init(
    _ tensors: [ArtifactTensor], files: [SidecarFile], path: String, options: ArtifactOptions
  ) throws(FormatError) {
    let carried = files.map {
      CarriedFile(name: $0.name, bytes: $0.content.count, sha256: ContentDigest.of($0.content))
    }
    let all =
      tensors + (options.delta ? [] : zip(carried, files).map { ArtifactTensor($0, $1.content) })
    try Self.check(all, path: path)
    self.tensors = all
    self.files = carried
    self.options = options
  }

  /// The tensors that are stored, in order: a delta leaves those that were kept to its base.
  var written: [ArtifactTensor] { tensors.filter(isWritten) }

  private func isWritten(_ tensor: ArtifactTensor) -> Bool {
    !options.delta || tensor.origin != .kept
  }

  /// What stands for digests of `tensors` until they are known: zeros, but for files, of which the
  /// manifest has to say the same in two places.
  var provisionalDigests: [String] {
    let carried = options.delta ? [] : files
    return tensors.dropLast(carried.count).map { _ in ContentDigest.zeros } + carried.map(\.sha256)
  }

  /// The manifest, with the digests of `tensors` in order.
  func manifest(_ description: ArtifactDescription, digests: [String]) -> ArtifactManifest {
    let pairs = zip(tensors, digests)
    let entries = pairs.filter { isWritten($0.0) }.map { tensor, digest in
      ArtifactManifest.Tensor(
        name: tensor.name, dtype: tensor.dtype, shape: tensor.shape,
        layout: options.layout(of: tensor), blockType: tensor.blockType, sha256: digest,
        origin: tensor.origin, byteCount: tensor.byteCount)
    }
    let base = ArtifactBase(
      tensors: pairs.filter { !isWritten($0.0) }.map { tensor, digest in
        ArtifactBase.Tensor(
          name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, sha256: digest,
          byteCount: tensor.byteCount)
      }, files: files)
    return ArtifactManifest(
      version: entries.contains { $0.layout == .blocks } ? .current : .withoutBlocks,
      description: description,
      frameSize: options.frameSize, tensors: entries, files: options.delta ? [] : files,
      base: options.delta ? base : nil)
  }

  private static func check(_ tensors: [ArtifactTensor], path: String) throws(FormatError) {
    var names: Set<ByteKey> = []
    for tensor in tensors {
      func problem(_ text: String) -> FormatError {
        FormatError(.badData, file: path, place: "tensor \(quoted(tensor.name))", problem: text)
      }
      guard names.insert(ByteKey(tensor.name)).inserted else { throw problem("named twice") }
      let type = tensor.blockType?.name ?? tensor.dtype.rawValue
      guard
        let size = TensorLayout.byteCount(
          tensor.name, tensor.dtype, tensor.shape, blockType: tensor.blockType)
      else {
        throw problem("shape \(tensor.shape) has no size in bytes as \(type)")
      }
      guard tensor.byteCount == size else {
        throw problem("\(type) \(tensor.shape): expected \(size) bytes, found \(tensor.byteCount)")
      }
    }
  }
}
