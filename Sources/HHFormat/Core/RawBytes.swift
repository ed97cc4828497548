// Raw memory seen as a span of bytes.

internal import Glibc

/// Takes the next bytes of a tensor.
package typealias ByteSink = (RawSpan) throws(FormatError) -> Void

extension RawSpan {
  /// The same memory as elements that can be indexed, with bounds checked.
  package var octets: Span<UInt8> {
    @_lifetime(copy self)
    get {
      // Safe: any byte at any address is a valid UInt8, and the lifetime stays that of `self`.
      unsafe _overrideLifetime(Span<UInt8>(_bytes: self), copying: self)
    }
  }

  /// Whether another span holds the same bytes.
  package func isEqual(to other: RawSpan) -> Bool {
    guard byteCount == other.byteCount else { return false }
    // Safe: both buffers have the count that is compared, and are only read.
    return unsafe withUnsafeBytes { one in
      unsafe other.withUnsafeBytes { two in
        guard let one = one.baseAddress, let two = two.baseAddress else { return true }
        return unsafe memcmp(one, two, byteCount) == 0
      }
    }
  }

  /// A copy of the bytes.
  package func copied() -> [UInt8] {
    // Safe: the buffer is copied before the closure returns.
    unsafe withUnsafeBytes { unsafe Array($0) }
  }
}
