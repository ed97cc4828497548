// Stored numbers of any numeric type as doubles.

extension DType {
  /// Whether `doubles` reads elements of this type.
  package var isNumeric: Bool {
    switch self {
    case .bool, .u8, .i8, .i16, .u16, .f16, .bf16, .i32, .u32, .f32, .f64, .i64, .u64: true
    default: false
    }
  }

  /// Reads stored little-endian elements into `output`, which has the same count. 64-bit integers
  /// are rounded, everything else is exact.
  ///
  /// Returns false, leaving `output` as it is, where the type is not numeric (`isNumeric`).
  package func doubles(_ bytes: RawSpan, to output: inout MutableSpan<Double>) -> Bool {
    switch self {
    case .f16, .bf16, .f32:
      var floats = [Float](repeating: 0, count: output.count)
      var target = floats.mutableSpan
      guard convert(bytes, to: &target) else { return false }
      for index in 0..<output.count { output[index] = Double(floats[index]) }
    case .bool, .u8: load(bytes, UInt8.self, to: &output) { Double($0) }
    case .i8: load(bytes, UInt8.self, to: &output) { Double(Int8(bitPattern: $0)) }
    case .u16: load(bytes, UInt16.self, to: &output) { Double($0) }
    case .i16: load(bytes, UInt16.self, to: &output) { Double(Int16(bitPattern: $0)) }
    case .u32: load(bytes, UInt32.self, to: &output) { Double($0) }
    case .i32: load(bytes, UInt32.self, to: &output) { Double(Int32(bitPattern: $0)) }
    case .u64: load(bytes, UInt64.self, to: &output) { Double($0) }
    case .i64: load(bytes, UInt64.self, to: &output) { Double(Int64(bitPattern: $0)) }
    case .f64: load(bytes, UInt64.self, to: &output) { Double(bitPattern: $0) }
    default: return false
    }
    return true
  }
}

private func load<Word: FixedWidthInteger & BitwiseCopyable>(
  _ bytes: RawSpan, _: Word.Type, to output: inout MutableSpan<Double>, _ value: (Word) -> Double
) {
  let width = MemoryLayout<Word>.size
  precondition(bytes.byteCount == output.count * width, "doubles: byte count and element count")
  for index in 0..<output.count {
    // Safe: the span holds `output.count` words, and any bits are an integer.
    let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index * width, as: Word.self)
    output[index] = value(Word(littleEndian: word))
  }
}
