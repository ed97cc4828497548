// How a tensor's elements are laid out inside an artifact, and where its frames lie.

/// The order of a stored tensor's bytes.
package enum TensorLayout: String, Sendable {
  /// The bytes as any safetensors file has them.
  case interleaved
  /// Byte planes: each element rotated left by one bit as a little-endian word, then all bytes 0,
  /// all bytes 1, and so on. A tensor of shape [a, b] is stored as U8 of shape [width, a, b].
  case planes
  /// Blocks of a quantised type of ggml, as the source had them: bit for bit its bytes, with the
  /// rows in the order of the shape. The elements are float32, which holds their values exactly. A
  /// tensor of shape [a, b] is stored as U8 of shape [a, bytes of a row].
  case blocks

  /// The layout that a type gets where this one is asked for: only 2- and 4-byte floats have
  /// planes, because only they have an exponent that fills a plane of its own.
  package func applied(to dtype: DType) -> TensorLayout { dtype.isStorable ? self : .interleaved }

  /// Number of planes of a type's elements in this layout.
  func planeCount(of dtype: DType) -> Int { self == .planes ? dtype.bitWidth / 8 : 1 }
}

extension TensorLayout {
  /// Bytes of a tensor in an artifact; nil where the shape has no size in its type, or rows are no
  /// whole blocks.
  static func byteCount(
    _ name: String, _ dtype: DType, _ shape: [Int], blockType: GGMLType?
  ) -> Int? {
    guard let size = SafetensorsWriter.byteCount((name: name, dtype: dtype, shape: shape)) else {
      return nil
    }
    guard let blockType else { return size }
    guard dtype == .f32, let row = shape.last, row.isMultiple(of: blockType.elementsPerBlock)
    else { return nil }
    return blockType.byteCount(ofElements: size / 4)
  }
}

/// The frames of one tensor: each plane starts a frame, and every frame but a plane's last has the
/// same content size.
struct TensorFrames: Sendable, Equatable {
  /// Index of the tensor's first frame in the file.
  let first: Int
  /// Number of planes; 1 for interleaved bytes.
  let planeCount: Int
  /// Bytes of one plane.
  let planeSize: Int
  /// Content bytes of a full frame.
  let frameSize: Int

  /// The frames of a tensor of the manifest.
  init(_ tensor: ArtifactManifest.Tensor, first: Int, frameSize: Int) {
    self.first = first
    planeCount = tensor.layout.planeCount(of: tensor.dtype)
    planeSize = tensor.byteCount / planeCount
    self.frameSize = frameSize
  }

  /// The frames of a tensor that is about to be written, counted from its own first.
  init(_ tensor: ArtifactTensor, options: ArtifactOptions) {
    first = 0
    planeCount = options.layout(of: tensor).planeCount(of: tensor.dtype)
    planeSize = tensor.byteCount / planeCount
    frameSize = options.frameSize
  }

  /// Frames of one plane.
  var chunkCount: Int { planeSize == 0 ? 0 : (planeSize - 1) / frameSize + 1 }
  /// Frames of the tensor.
  var count: Int { planeCount * chunkCount }
  /// Index of the first frame after the tensor.
  var end: Int { first + count }

  /// Bytes of a plane that chunk `chunk` holds, the same in every plane.
  func planeRange(ofChunk chunk: Int) -> Range<Int> {
    chunk * frameSize..<min((chunk + 1) * frameSize, planeSize)
  }

  /// Bytes of the tensor's elements that chunk `chunk` of all planes together holds.
  func elementRange(ofChunk chunk: Int) -> Range<Int> {
    let range = planeRange(ofChunk: chunk)
    return range.lowerBound * planeCount..<range.upperBound * planeCount
  }

  /// Index in the file of a plane's chunk.
  func frame(plane: Int, chunk: Int) -> Int { first + plane * chunkCount + chunk }
}
