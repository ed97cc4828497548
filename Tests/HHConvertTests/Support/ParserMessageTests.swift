// A wrong value is named once.

import Testing

@testable import hh_convert

@Suite("Messages of the argument parser")
struct ParserMessageTests {
  @Test(
    "our own sentence stays, behind the option",
    arguments: [
      (
        "The value 'many' is invalid for '--steps <steps>': expected a number, found 'many'",
        "--steps: expected a number, found 'many'"
      ),
      (
        "The value 'a'b\n' is invalid for '--max-memory <bytes>': expected a size, found 'a'b\n'",
        "--max-memory: expected a size, found 'a'b\n'"
      ),
    ])
  func shortened(_ message: String, _ expected: String) {
    #expect(withoutRepetition(message) == expected)
  }

  @Test(
    "what has no such sentence stays as it is",
    arguments: [
      "The value '-1' is invalid for '--seed <seed>'", "Missing expected argument '<model>'",
      "Error: The value 'x' is invalid for '--lr <rate>': expected y", "",
    ])
  func others(_ message: String) { #expect(withoutRepetition(message) == message) }
}
