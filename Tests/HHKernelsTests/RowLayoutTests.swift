import HHKernels
import Testing

@Suite("RowLayout")
struct RowLayoutTests {
  @Test(
    "a matrix ends behind its last element, not behind its last stride",
    arguments: [
      (3, 4, 6, 16), (3, 4, 4, 12), (1, 4, 100, 4), (2, 0, 5, 0), (0, 4, 6, 0), (0, 0, 0, 0),
    ])
  func extent(_ rows: Int, _ columns: Int, _ stride: Int, _ expected: Int) {
    #expect(RowLayout(rows: rows, columns: columns, stride: stride).extent == expected)
  }

  @Test(
    "negative sizes and overlapping rows stop the program",
    arguments: [[-1, 4, 4], [3, -1, 4], [3, 4, 3]])
  func defects(_ sizes: [Int]) async {
    await #expect(processExitsWith: .failure) { [sizes = sizes as [Int]] in
      _ = RowLayout(rows: sizes[0], columns: sizes[1], stride: sizes[2])
    }
  }

  @Test("a matrix larger than its span stops the program, an empty one needs no span")
  func tooShort() async {
    let bias: [Float] = [0, 0, 0]
    var nothing: [Float] = []
    nothing.change { addBias(&$0, RowLayout(rows: 0, columns: 3, stride: 3), bias: bias.span) }
    nothing.change { addBias(&$0, RowLayout(rows: 4, columns: 0, stride: 3), bias: bias.span) }
    #expect(nothing.isEmpty)
    await #expect(processExitsWith: .failure) {
      let bias: [Float] = [0, 0, 0, 0]
      var x = [Float](repeating: 0, count: 9)
      x.change { addBias(&$0, RowLayout(rows: 2, columns: 4, stride: 6), bias: bias.span) }
    }
  }
}
