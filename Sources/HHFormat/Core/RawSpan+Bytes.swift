// Bytes and little-endian integers in spans and arrays.

extension RawSpan {
  /// The 32-bit little-endian integer at an offset, at any alignment.
  func littleEndian32(at offset: Int) -> UInt32 {
    // Safe: any four bytes are a valid UInt32, and the span checks the offset.
    UInt32(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The 64-bit little-endian integer at an offset, at any alignment.
  func littleEndian64(at offset: Int) -> UInt64 {
    // Safe: any eight bytes are a valid UInt64, and the span checks the offset.
    UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}

extension Array<UInt8> {
  /// Appends a 32-bit integer, least significant byte first.
  mutating func appendLittleEndian(_ value: UInt32) {
    for shift in stride(from: 0, to: 32, by: 8) {
      append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
    }
  }
}

extension Array<UInt8> {
  /// The array's bytes, untyped.
  package var raw: RawSpan {
    // Safe: bytes have no padding.
    @_lifetime(borrow self) get { unsafe span.bytes }
  }
}
