// The tensors of a GGUF model as a checkpoint: safetensors names and layout, decoded weights.

/// The tensors of one or several GGUF files.
///
/// A tensor of F32, F16, BF16, F64 or integers keeps its element type. A quantised one is presented
/// as float32, which holds its values exactly: float16 would round most products of scale and
/// quant, and overflow on large ones.
final class GGUFTensors: TensorSource {
  let files: [GGUFFile]
  let tensors: [TensorDescriptor]
  let configuration: JSONObject?
  let views: [GGUFView]

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
    return try withArrangedBytes(of: view, in: 0..<view.descriptor.byteCount, body)
  }

  func withBytes<Result>(
    of index: Int, in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let view = views[index]
    defer { files[view.file].release(view.storedRange(of: range), of: view.tensor) }
    if isPresentedAsStored(view) { return try body(bytes(of: view).extracting(range)) }
    return try withArrangedBytes(of: view, in: range, body)
  }

  func readFloats(
    of index: Int, into output: inout MutableSpan<Float>
  ) throws(FormatError) -> Bool {
    let view = views[index]
    guard view.descriptor.dtype.isComputable else { return false }
    view.arrange(0..<view.descriptor.elementCount, into: &output) { range, output in
      decode(range, of: view, into: &output)
    }
    return true
  }

  private func isPresentedAsStored(_ view: GGUFView) -> Bool {
    guard let dtype = view.tensor.type.dtype else { return false }
    return view.order == .asStored
      && (dtype.bitWidth == 8 || !files[view.file].header.isBigEndian)
  }

  /// A view's bytes as they are stored.
  @_lifetime(borrow self)
  func bytes(of view: GGUFView) -> RawSpan {
    files[view.file].bytes(of: view.tensor, lentBy: self).extracting(view.storedRange)
  }

  /// Lends bytes of a view whose elements are stored in another type, row order or byte order. The
  /// rows that the range touches are in memory meanwhile.
  private func withArrangedBytes<Result>(
    of view: GGUFView, in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    guard let dtype = view.tensor.type.dtype else {
      return try withElements(of: view, as: Float.self, in: range, body) { range, output in
        decode(range, of: view, into: &output)
      }
    }
    return switch dtype.bitWidth {
    case 8: try withIntegers(of: view, as: UInt8.self, in: range, body)
    case 16: try withIntegers(of: view, as: UInt16.self, in: range, body)
    case 32: try withIntegers(of: view, as: UInt32.self, in: range, body)
    default: try withIntegers(of: view, as: UInt64.self, in: range, body)
    }
  }

  /// Lends the elements of a view that keeps its element type, in the wanted byte and row order.
  private func withIntegers<Element: FixedWidthInteger & BitwiseCopyable, Result>(
    of view: GGUFView, as type: Element.Type, in range: Range<Int>,
    _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let isBigEndian = files[view.file].header.isBigEndian
    return try withElements(of: view, as: type, in: range, body) { range, output in
      let stored = bytes(of: view)
      for index in range {
        // Safe: the view's bytes are its elements, and any bytes are an integer.
        let element = unsafe stored.unsafeLoadUnaligned(
          fromByteOffset: index * MemoryLayout<Element>.size, as: Element.self)
        output[index - range.lowerBound] = isBigEndian ? Element(bigEndian: element) : element
      }
    }
  }

  /// Lends a range of bytes of elements that `fetch` reads from the file.
  private func withElements<Element: BitwiseCopyable & ExpressibleByIntegerLiteral, Result>(
    of view: GGUFView, as type: Element.Type, in range: Range<Int>,
    _ body: (RawSpan) throws(FormatError) -> Result, fetch: GGUFView.Fetch<Element>
  ) throws(FormatError) -> Result {
    let size = MemoryLayout<Element>.size
    let wanted = view.wholeRows(range.lowerBound / size..<(range.upperBound + size - 1) / size)
    var elements = [Element](repeating: 0, count: wanted.count)
    var output = elements.mutableSpan
    view.arrange(wanted, into: &output, fetch)
    let start = range.lowerBound - wanted.lowerBound * size
    // Safe: numbers have no padding.
    return try body(unsafe elements.span.bytes.extracting(start..<start + range.count))
  }

  /// Decodes a range of a view's elements, in the order of the file, to float32.
  private func decode(
    _ range: Range<Int>, of view: GGUFView, into output: inout MutableSpan<Float>
  ) {
    let type = view.tensor.type
    let perBlock = type.elementsPerBlock
    let blocks = range.lowerBound / perBlock..<(range.upperBound + perBlock - 1) / perBlock
    let stored = bytes(of: view).extracting(
      blocks.lowerBound * type.bytesPerBlock..<blocks.upperBound * type.bytesPerBlock)
    guard blocks.count * perBlock > range.count else {
      return dequantize(stored, of: view, into: &output)
    }
    var values = [Float](repeating: 0, count: blocks.count * perBlock)
    var span = values.mutableSpan
    dequantize(stored, of: view, into: &span)
    let start = range.lowerBound - blocks.lowerBound * perBlock
    for index in 0..<range.count { output[index] = values[start + index] }
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
