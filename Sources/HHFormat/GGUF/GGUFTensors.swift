// The tensors of a GGUF model as a checkpoint: names and layout of safetensors, weights decoded.

/// The tensors of one or several GGUF files.
///
/// A tensor of F32, F16, BF16, F64 or integers keeps its element type. A quantised one is presented
/// as float32, because that holds its values exactly: float16 would round most products of scale
/// and quant, and overflow on large ones.
final class GGUFTensors: TensorSource {
  let files: [GGUFFile]
  let tensors: [TensorDescriptor]
  let configuration: JSONObject?
  private let views: [GGUFView]

  /// Opens a model; `path` is its only or first file.
  init(opening path: String) throws(FormatError) {
    let files = try GGUFFile.openAll(startingAt: path)
    let model = try GGUFModel(files)
    self.files = files
    views = model.views
    tensors = views.map(\.descriptor)
    configuration = model.configuration
  }

  var format: String { "gguf" }
  var sourceFiles: [String] { files.map(\.path) }

  func path(of index: Int) -> String { files[views[index].file].path }

  func storedType(of index: Int) -> String { views[index].tensor.type.name }

  @_lifetime(borrow owner)
  func storedBytes(of index: Int, lentBy owner: AnyObject) -> RawSpan? {
    let view = views[index]
    guard isPresentedAsStored(view) else { return nil }
    return files[view.file].bytes(of: view.tensor, lentBy: owner).extracting(view.storedRange)
  }

  func withBytes<Result>(
    of index: Int, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let view = views[index]
    if isPresentedAsStored(view) { return try body(bytes(of: view)) }
    guard let dtype = view.tensor.type.dtype else {
      var values = [Float](repeating: 0, count: view.descriptor.elementCount)
      var span = values.mutableSpan
      decode(view, into: &span)
      // Safe: floats have no padding.
      return try body(unsafe values.span.bytes)
    }
    return switch dtype.bitWidth {
    case 8: try withElements(of: view, as: UInt8.self, body)
    case 16: try withElements(of: view, as: UInt16.self, body)
    case 32: try withElements(of: view, as: UInt32.self, body)
    default: try withElements(of: view, as: UInt64.self, body)
    }
  }

  func withPart<Result>(
    of index: Int, elements: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result? {
    let view = views[index]
    let type = view.tensor.type
    guard type.dtype == nil, view.order == .asStored else { return nil }
    // Blocks have at most a few hundred elements, a power of two, so a part has whole ones.
    let blocks =
      elements.lowerBound / type.elementsPerBlock..<elements.upperBound / type.elementsPerBlock
    var values = [Float](repeating: 0, count: elements.count)
    var span = values.mutableSpan
    dequantize(
      bytes(of: view).extracting(
        blocks.lowerBound * type.bytesPerBlock..<blocks.upperBound * type.bytesPerBlock),
      of: view, into: &span)
    // Safe: floats have no padding.
    return try body(unsafe values.span.bytes)
  }

  func readFloats(
    of index: Int, into output: inout MutableSpan<Float>
  ) throws(FormatError) -> Bool {
    let view = views[index]
    guard view.descriptor.dtype.isComputable else { return false }
    decode(view, into: &output)
    return true
  }

  func firstNonFinite(of index: Int) throws(FormatError) -> Int? {
    let view = views[index]
    guard view.tensor.type.dtype == nil, view.order == .asStored else {
      return try withBytes(of: index) { (bytes) throws(FormatError) in
        view.descriptor.dtype.firstNonFinite(in: bytes)
      }
    }
    // Piece by piece: decoded as a whole, a large tensor would need as much memory again.
    let type = view.tensor.type
    let stored = bytes(of: view)
    let pieceBlocks = max(1, 1 << 18 / type.elementsPerBlock)
    let blocks = stored.byteCount / type.bytesPerBlock
    for start in stride(from: 0, to: blocks, by: pieceBlocks) {
      let end = min(blocks, start + pieceBlocks)
      var values = [Float](repeating: 0, count: (end - start) * type.elementsPerBlock)
      var output = values.mutableSpan
      dequantize(
        stored.extracting(start * type.bytesPerBlock..<end * type.bytesPerBlock), of: view,
        into: &output)
      // Safe: floats have no padding.
      let found = DType.f32.firstNonFinite(in: unsafe values.span.bytes)
      if let found { return start * type.elementsPerBlock + found }
    }
    return nil
  }

  private func isPresentedAsStored(_ view: GGUFView) -> Bool {
    guard let dtype = view.tensor.type.dtype else { return false }
    return view.order == .asStored
      && (dtype.bitWidth == 8 || !files[view.file].header.isBigEndian)
  }

  /// A view's bytes as they are stored.
  @_lifetime(borrow self)
  private func bytes(of view: GGUFView) -> RawSpan {
    files[view.file].bytes(of: view.tensor, lentBy: self).extracting(view.storedRange)
  }

  /// The elements of a view that keeps its element type, in the wanted byte and row order.
  private func withElements<Element: FixedWidthInteger & BitwiseCopyable, Result>(
    of view: GGUFView, as type: Element.Type, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let stored = bytes(of: view)
    let isBigEndian = files[view.file].header.isBigEndian
    let count = view.descriptor.elementCount
    var elements = [Element](repeating: 0, count: count)
    for index in 0..<count {
      // Safe: the view's bytes are `count` elements, and any bytes are an integer.
      let element = unsafe stored.unsafeLoadUnaligned(
        fromByteOffset: index * MemoryLayout<Element>.size, as: Element.self)
      elements[index] = isBigEndian ? Element(bigEndian: element) : element
    }
    if view.order != .asStored {
      let unordered = elements
      var output = elements.mutableSpan
      view.arrange(unordered.span, into: &output)
    }
    // Safe: integers have no padding.
    return try body(unsafe elements.span.bytes)
  }

  /// Decodes a view to float32 in the wanted row order.
  private func decode(_ view: GGUFView, into output: inout MutableSpan<Float>) {
    guard view.order != .asStored else {
      dequantize(bytes(of: view), of: view, into: &output)
      return
    }
    var values = [Float](repeating: 0, count: output.count)
    var span = values.mutableSpan
    dequantize(bytes(of: view), of: view, into: &span)
    view.arrange(values.span, into: &output)
  }

  private func dequantize(
    _ blocks: RawSpan, of view: GGUFView, into output: inout MutableSpan<Float>
  ) {
    let type = view.tensor.type
    guard files[view.file].header.isBigEndian, let words = type.wordsPerBlock, !words.isEmpty
    else {
      type.dequantize(blocks, to: &output)
      return
    }
    var swapped = blocks.copied()
    for start in stride(from: 0, to: swapped.count, by: type.bytesPerBlock) {
      for word in words { swapped[start + word.lowerBound..<start + word.upperBound].reverse() }
    }
    type.dequantize(swapped.raw, to: &output)
  }
}

extension GGMLType {
  /// The multi-byte numbers of a block, which a big-endian file stores turned round; nil for types
  /// for which gguf-py's conversion of byte orders (`gguf_convert_endian`) says nothing.
  var wordsPerBlock: [Range<Int>]? {
    if let dtype { return [0..<dtype.bitWidth / 8] }
    return switch self {
    case .q4_0, .q8_0: [0..<2]
    case .q4K: [0..<2, 2..<4]
    case .q6K: [208..<210]
    case .mxfp4, .nvfp4: []
    default: nil
    }
  }
}
