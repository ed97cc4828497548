// The element types of GGUF tensors.

internal import HHKernels

/// An element type of ggml. The raw value is its number in a GGUF file.
///
/// The kernels declare the types (`quantization/ggml_types.h`). Here are names for those that other
/// code asks for, and what is particular to some of them.
package struct GGMLType: RawRepresentable, Sendable, Hashable, CaseIterable,
  CustomStringConvertible
{
  private let format: BlockFormat

  package static let f32 = named("F32")
  package static let f16 = named("F16")
  package static let bf16 = named("BF16")
  package static let f64 = named("F64")
  package static let i8 = named("I8")
  package static let i16 = named("I16")
  package static let i32 = named("I32")
  package static let i64 = named("I64")
  package static let q8_0 = named("Q8_0")
  package static let q4_0 = named("Q4_0")
  package static let q4_1 = named("Q4_1")
  package static let q5_0 = named("Q5_0")
  package static let q5_1 = named("Q5_1")
  package static let q2K = named("Q2_K")
  package static let q3K = named("Q3_K")
  package static let q4K = named("Q4_K")
  package static let q5K = named("Q5_K")
  package static let q6K = named("Q6_K")
  package static let tq1_0 = named("TQ1_0")
  package static let tq2_0 = named("TQ2_0")
  package static let mxfp4 = named("MXFP4")
  package static let nvfp4 = named("NVFP4")

  /// Types that ggml no longer has, by number. Files with them must be made again.
  static let removed: [UInt32: String] = [
    4: "Q4_2", 5: "Q4_3", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8", 36: "IQ4_NL_4_4",
    37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8",
  ]

  /// Every type, in ascending order of numbers.
  package static let allCases = BlockFormat.all.map(GGMLType.init).sorted {
    $0.rawValue < $1.rawValue
  }

  /// The types in which weights can be stored. The plain ones come first.
  package static let writable = BlockFormat.all.filter { $0.fileType != nil }.map(GGMLType.init)

  private init(_ format: BlockFormat) { self.format = format }

  /// The type with a number in GGUF files, or nil where there is none.
  package init?(rawValue: UInt32) {
    guard let format = BlockFormat.all.first(where: { $0.number == rawValue }) else { return nil }
    self.init(format)
  }

  private static func named(_ name: String) -> GGMLType {
    guard let format = BlockFormat.all.first(where: { $0.name == name }) else {
      preconditionFailure("the kernels know no type \(name)")
    }
    return GGMLType(format)
  }

  package var rawValue: UInt32 { format.number }
  /// The type's name as ggml spells it.
  package var name: String { format.name }
  package var description: String { name }
  /// Elements of a block. A row of a tensor is a whole number of blocks.
  package var elementsPerBlock: Int { format.elementCount }
  /// Bytes of a block.
  package var bytesPerBlock: Int { format.byteCount }
  /// Bits per element, scales included.
  var bitsPerElement: Double { Double(8 * bytesPerBlock) / Double(elementsPerBlock) }
  /// The number of `general.file_type` for a model mostly in this type; nil where the type is not
  /// `writable`.
  package var fileType: UInt32? { format.fileType }

  /// The safetensors type with the same elements; nil for a quantised type.
  package var dtype: DType? { elementsPerBlock == 1 ? DType(rawValue: name) : nil }

  /// Bytes of `count` elements. Nil where they are not a whole number of blocks, or on overflow.
  package func byteCount(ofElements count: Int) -> Int? {
    guard count.isMultiple(of: elementsPerBlock) else { return nil }
    let (bytes, overflow) = (count / elementsPerBlock).multipliedReportingOverflow(
      by: bytesPerBlock)
    return overflow ? nil : bytes
  }

  /// Decodes whole little-endian blocks to float32. `output` holds as many elements as `blocks`.
  package func dequantize(_ blocks: RawSpan, to output: inout MutableSpan<Float>) {
    format.decode(blocks, to: &output)
  }

  /// Encodes float32 values as little-endian blocks; nil where the type is not `writable`.
  ///
  /// `values` holds whole blocks. For a quantised type the caller has checked that the values are
  /// finite and no larger than `largestMagnitude`.
  package func encode(_ values: Span<Float>) -> [UInt8]? {
    guard fileType != nil else { return nil }
    var bytes = [UInt8](repeating: 0, count: values.count / elementsPerBlock * bytesPerBlock)
    var output = bytes.mutableSpan
    format.encode(values, to: &output)
    return bytes
  }
}

extension GGMLType {
  /// The largest magnitude that a weight may have. The scales and offsets of blocks are float16;
  /// F32 and BF16 have the range of float32.
  package var largestMagnitude: Float {
    switch self {
    case .f32, .bf16: .infinity
    // 65520 would be rounded to infinity.
    case .f16: Float(65520).nextDown
    default: 65504
    }
  }

  /// Index of the first value that the type cannot hold, or nil. A quantised type cannot hold NaN,
  /// infinity and magnitudes above `largestMagnitude`; F16 cannot hold finite magnitudes above it.
  package func firstUnstorable(in values: Span<Float>) -> Int? {
    guard largestMagnitude.isFinite else { return nil }
    guard dtype != nil else { return firstElement(in: values, beyond: largestMagnitude) }
    return values.indices.first { values[$0].isFinite && abs(values[$0]) > largestMagnitude }
  }

  /// The type with shorter blocks that llama.cpp's quantiser chooses where a row is not a whole
  /// number of blocks; nil where the blocks are short already.
  var fallback: GGMLType? {
    switch self {
    case .q2K, .q3K, .tq1_0, .tq2_0: .q4_0
    case .q4K: .q5_0
    case .q5K: .q5_1
    case .q6K: .q8_0
    default: nil
    }
  }

  /// The byte ranges of a block's numbers of several bytes, which a big-endian file stores most
  /// significant byte first; nil for types that gguf-py's `gguf_convert_endian` does not cover.
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
