// The byte order mark that some editors put before UTF-8 text.

extension RawSpan {
  /// The bytes behind a UTF-8 byte order mark, or all of them where there is none. JSON and YAML
  /// that people edit may begin with one; it says nothing.
  package var withoutByteOrderMark: RawSpan {
    @_lifetime(copy self)
    get {
      let bytes = octets
      guard byteCount >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF else {
        return self
      }
      return extracting(droppingFirst: 3)
    }
  }
}

extension [UInt8] {
  /// The bytes behind a UTF-8 byte order mark, or all of them where there is none.
  package var withoutByteOrderMark: [UInt8] {
    starts(with: [0xEF, 0xBB, 0xBF]) ? Array(dropFirst(3)) : self
  }
}
