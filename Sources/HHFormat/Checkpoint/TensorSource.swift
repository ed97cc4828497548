// What a checkpoint asks of the files that hold its tensors, whatever their format.

/// The tensors of one format's files, each under its safetensors name and in that layout.
protocol TensorSource: Sendable {
  /// The name of the file format.
  var format: String { get }
  /// Every tensor, with the element type of `withBytes`.
  var tensors: [TensorDescriptor] { get }
  /// Every file that contributes tensors or says where they are.
  var sourceFiles: [String] { get }
  /// The model's configuration, where the files carry it themselves.
  var configuration: JSONObject? { get }

  /// The file that holds a tensor.
  func path(of index: Int) -> String
  /// How the file stores a tensor's elements, in the format's own words.
  func storedType(of index: Int) -> String
  /// A tensor's bytes as they lie in the file, for as long as `owner` lives, which must be an object
  /// that keeps this source alive; nil where the file stores them in another form.
  @_lifetime(borrow owner)
  func storedBytes(of index: Int, lentBy owner: AnyObject) -> RawSpan?
  /// Lends a tensor's bytes, row-major and little-endian, for the length of a call.
  func withBytes<Result>(
    of index: Int, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result
  /// Lends a range of a tensor's bytes for the length of a call, and keeps none of it in memory
  /// afterwards. The range holds whole elements.
  func withBytes<Result>(
    of index: Int, in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result
  /// The quantised type in whose blocks a tensor is stored row by row, in the order of its shape or
  /// in one that rows can be brought into; nil for any other.
  func blockType(of index: Int) -> GGMLType?
  /// Lends a range of the bytes of a tensor's blocks, rows in the order of its shape, for the length
  /// of a call. Only for a tensor with a block type.
  func withBlocks<Result>(
    of index: Int, in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result
  /// Reads a tensor as float32 into `output`, which has its count. False for a type that is not
  /// computable.
  func readFloats(of index: Int, into output: inout MutableSpan<Float>) throws(FormatError) -> Bool
}

extension TensorSource {
  func blockType(of index: Int) -> GGMLType? { nil }

  func withBlocks<Result>(
    of index: Int, in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    try withBytes(of: index, in: range, body)
  }
}

/// The tensors of safetensors files, exactly as they are stored.
struct SafetensorsTensors: TensorSource {
  let files: [SafetensorsFile]
  let sourceFiles: [String]
  let tensors: [TensorDescriptor]
  /// For each tensor the position of its file.
  private let fileOfTensor: [Int]

  init(files: [SafetensorsFile], index: String? = nil) {
    self.files = files
    sourceFiles = files.map(\.path) + [index].compactMap(\.self)
    tensors = files.flatMap(\.tensors)
    fileOfTensor = files.enumerated().flatMap { number, file in file.tensors.map { _ in number } }
  }

  var format: String { "safetensors" }
  var configuration: JSONObject? { nil }

  func path(of index: Int) -> String { files[fileOfTensor[index]].path }

  func storedType(of index: Int) -> String { tensors[index].dtype.rawValue }

  @_lifetime(borrow owner)
  func storedBytes(of index: Int, lentBy owner: AnyObject) -> RawSpan? {
    files[fileOfTensor[index]].bytes(of: tensors[index], lentBy: owner)
  }

  func withBytes<Result>(
    of index: Int, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let file = files[fileOfTensor[index]]
    return try body(file.bytes(of: tensors[index]))
  }

  func withBytes<Result>(
    of index: Int, in range: Range<Int>, _ body: (RawSpan) throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    let file = files[fileOfTensor[index]]
    defer { file.release(range, of: tensors[index]) }
    return try body(file.bytes(of: tensors[index]).extracting(range))
  }

  func readFloats(
    of index: Int, into output: inout MutableSpan<Float>
  ) throws(FormatError) -> Bool {
    let file = files[fileOfTensor[index]]
    defer { file.release(0..<tensors[index].byteCount, of: tensors[index]) }
    return tensors[index].dtype.convert(file.bytes(of: tensors[index]), to: &output)
  }
}
