// Members of sets of scalars.

import Testing

@testable import HHData

@Suite("ScalarSet")
struct ScalarSetTests {
  @Test("categories, by one letter or two")
  func categories() throws {
    let letters = try #require(ScalarSet(category: "L"))
    let upper = try #require(ScalarSet(category: "Lu"))
    for scalar: Unicode.Scalar in ["A", "É", "Δ", "\u{10400}"] {
      #expect(letters.contains(scalar) && upper.contains(scalar))
    }
    for scalar: Unicode.Scalar in ["a", "é", "中", "\u{2B0}"] {
      #expect(letters.contains(scalar) && !upper.contains(scalar))
    }
    #expect(!letters.contains("1") && !letters.contains("\u{301}"))
    #expect(ScalarSet(category: "Xy") == nil)
  }

  @Test("white space is Unicode's")
  func whiteSpace() {
    for value in UInt32(0)..<0x3100 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      #expect(ScalarSet.whiteSpace.contains(scalar) == scalar.properties.isWhitespace)
    }
  }

  @Test("complements, unions and differences")
  func operations() throws {
    var set = ScalarSet("a")
    set.insert(0x4E00...0x4E10)
    set.formUnion(try #require(ScalarSet(category: "Nd")))
    #expect(set.contains("a") && set.contains("一") && set.contains("7") && !set.contains("b"))
    set.subtract(ScalarSet("7"))
    #expect(!set.contains("7") && set.contains("8"))
    set.negate()
    #expect(set.contains("b") && !set.contains("a") && !set.contains("7"))
    #expect(ScalarSet("s", ignoringCase: true).contains("\u{17F}"))
    #expect(ScalarSet.han.contains("中") && !ScalarSet.han.contains("あ"))
    #expect(ScalarSet.word.contains("_") && !ScalarSet.word.contains("-"))
  }
}
