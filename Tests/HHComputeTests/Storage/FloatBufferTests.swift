// Buffers and views.

import Glibc
import HHCompute
import HHFormat
import HHTestSupport
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

  @Test(
    "What is evicted comes back, mapped from a file or not", arguments: [1, 1000, 5000, 70_001])
  func eviction(count: Int) throws {
    let directory = try TemporaryDirectory()
    let file = try ScratchFile(in: directory.path, byteCount: 4 * count)
    let mapped = try #require(FloatBuffer(count: count, mapping: file.descriptor))
    for buffer in [mapped, FloatBuffer(count: count)] {
      #expect(buffer.values.allSatisfy { $0 == 0 })
      var span = buffer.mutableSpan
      for index in span.indices { span[index] = Float(index) }
      for range in [0..<count, 0..<0, count / 3..<count, 0..<count / 2, count / 4..<count / 2] {
        buffer.evict(range)
        #expect(buffer.values == (0..<count).map(Float.init))
      }
    }
  }

  @Test("Memory that runs out ends the process in one line, with the status for trying again")
  func outOfMemory() async throws {
    let result = await #expect(
      processExitsWith: .exitCode(75), observing: [\.standardErrorContent]
    ) {
      var limit = rlimit(rlim_cur: 4 << 30, rlim_max: 4 << 30)
      // Safe: the limit outlives the call.
      guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else { exit(2) }
      _ = FloatBuffer(count: 2 << 30)
    }
    let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
    #expect(text.hasPrefix("error: memory: expected 8589934592 bytes more, found that the system"))
  }

  @Test("A range outside the buffer stops the program")
  func bounds() async {
    await #expect(processExitsWith: .failure) {
      _ = FloatBuffer(count: 3).span(1..<4).count
    }
  }
}
