import HHFormat
import Testing

@Suite("FormatError")
struct FormatErrorTests {
  @Test("the sentence has file, place and problem, and the hint a line of its own")
  func sentence() {
    let plain = FormatError(.badData, file: "a", problem: "expected x, found y")
    #expect("\(plain)" == "a: expected x, found y")
    let full = FormatError(.io, file: "a", place: "tensor 'w'", problem: "lost", hint: "try again")
    #expect("\(full)" == "a: tensor 'w': lost\nhint: try again")
  }
}
