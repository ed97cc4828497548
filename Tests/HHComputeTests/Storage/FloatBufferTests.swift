// Buffers and views.

import HHCompute
import Testing

@Suite struct FloatBufferTests {
  @Test("A buffer starts at zero and keeps what is written", arguments: [0, 1, 17, 300_000])
  func contents(count: Int) {
    let buffer = FloatBuffer(count: count)
    #expect(buffer.count == count && buffer.span.count == count)
    #expect(buffer.values.allSatisfy { $0 == 0 })
    var span = buffer.mutableSpan
    for index in span.indices { span[index] = Float(index) }
    #expect(buffer.values == (0..<count).map(Float.init))
  }

  @Test("A range sees its elements only")
  func ranges() {
    let buffer = FloatBuffer([0, 1, 2, 3, 4])
    var part = buffer.mutableSpan(1..<3)
    #expect(part.count == 2)
    part[1] = 9
    #expect(buffer.values == [0, 1, 9, 3, 4])
    #expect(buffer.span(3..<5)[0] == 3)
  }

  @Test("A range outside the buffer stops the program")
  func bounds() async {
    await #expect(processExitsWith: .failure) {
      _ = FloatBuffer(count: 3).span(1..<4).count
    }
  }
}
