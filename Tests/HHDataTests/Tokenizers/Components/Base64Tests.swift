// Base64, and what is none.

import Testing

@testable import HHData

@Suite("Base64")
struct Base64Tests {
  @Test(
    "bytes of the RFC's examples",
    arguments: [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg", "foob")])
  func examples(text: String, bytes: String) {
    #expect(base64Bytes(text) == Array(bytes.utf8))
  }

  @Test(
    "another character or a lone one is no base64", arguments: ["Z", "Zm9v!", "Zm 9v", "Zm9vY"])
  func bad(text: String) { #expect(base64Bytes(text) == nil) }
}
