// What misspelt names were meant to be.

import HHFormat
import Testing

@Suite("nearestName")
struct NearestNameTests {
  @Test(
    "the nearest name, if any is near",
    arguments: [
      ("steps", "steps"), ("step", "steps"), ("stesp", "steps"), ("Steps", "steps"),
      ("learning-rate", "learning_rate"), ("learningrate", "learning_rate"), ("bacth", "batch"),
      ("xyz", nil), ("", nil), ("optimizer", nil),
    ] as [(String, String?)])
  func nearest(_ word: String, _ expected: String?) {
    #expect(nearestName(to: word, among: ["steps", "batch", "learning_rate"]) == expected)
  }
}
