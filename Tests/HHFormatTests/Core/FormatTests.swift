// Numbers and lists as people read them.

import Testing

@testable import HHFormat

@Suite("Format")
struct FormatTests {
  @Test("digits after the point are as many as asked for")
  func fixed() {
    #expect(Format.fixed(1.25, 1) == "1.3" && Format.fixed(-1.005, 0) == "-1")
    #expect(Format.fixed(-0.001, 2) == "0.00" && Format.fixed(0.05, 3) == "0.050")
    #expect(Format.fixed(.nan, 2) == "nan" && Format.fixed(-.infinity, 2) == "-inf")
    #expect(Format.fixed(1e300, 2) == "1e+300")
  }

  @Test("three digits say how large a number is")
  func brief() {
    #expect(Format.brief(0) == "0" && Format.brief(1) == "1.00")
    #expect(Format.brief(123.4) == "123" && Format.brief(123_456) == "123456")
    #expect(Format.brief(0.001234) == "0.00123")
    #expect(Format.brief(1.234e-7) == "1.23e-7" && Format.brief(9.996e9) == "1.00e10")
  }

  @Test("counts have their thousands apart, and sizes and durations units")
  func units() {
    #expect(Format.count(0) == "0" && Format.count(999) == "999")
    #expect(Format.count(-1_234_567) == "-1,234,567")
    #expect(Format.count(.min) == "-9,223,372,036,854,775,808")
    #expect(Format.bytes(999) == "999 B" && Format.bytes(1_500) == "1.5 kB")
    #expect(Format.bytes(2_000_000) == "2.0 MB" && Format.bytes(3_140_000_000) == "3.1 GB")
    #expect(Format.duration(0.04) == "0.0 s" && Format.duration(59.4) == "59 s")
    #expect(Format.duration(61) == "1 min 1 s" && Format.duration(7_260) == "2 h 1 min")
    #expect(Format.layer(0, of: 12) == "layer 0 (1 of 12)")
  }

  @Test("neighbouring numbers are one range")
  func ranges() {
    #expect(Format.ranges([]).isEmpty && Format.ranges([7]) == "7")
    #expect(Format.ranges([5, 0, 4, 3, 9]) == "0,3-5,9")
  }

  @Test("alternatives are joined as a sentence has them")
  func alternatives() {
    #expect(Format.alternatives([]).isEmpty && Format.alternatives(["a"]) == "a")
    #expect(Format.alternatives(["a", "b"]) == "a or b")
    #expect(Format.alternatives(["a", "b", "c"]) == "a, b or c")
  }
}
