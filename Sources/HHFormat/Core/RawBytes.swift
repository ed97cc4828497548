// Raw memory seen as a span of bytes.

extension RawSpan {
  /// The same memory as elements that can be indexed, with bounds checked.
  package var octets: Span<UInt8> {
    @_lifetime(copy self)
    get {
      // Safe: any byte at any address is a valid UInt8, and the lifetime stays that of `self`.
      unsafe _overrideLifetime(Span<UInt8>(_bytes: self), copying: self)
    }
  }

  /// A copy of the bytes.
  package func copied() -> [UInt8] {
    // Safe: the buffer is copied before the closure returns.
    unsafe withUnsafeBytes { unsafe Array($0) }
  }
}
