// Numbers with leading zeros.

import HHFormat
import Testing

@Suite("Digits")
struct DigitsTests {
  @Test("zeros fill up to the count, and longer numbers stay whole")
  func digits() {
    #expect(7.digits(atLeast: 5) == "00007")
    #expect(123_456.digits(atLeast: 5) == "123456")
    #expect(UInt32(0x7F).digits(atLeast: 8, radix: 16) == "0000007f")
  }
}
