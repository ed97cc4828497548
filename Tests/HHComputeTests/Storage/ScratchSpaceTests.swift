import Testing

@testable import HHCompute

@Suite struct ScratchSpaceTests {
  @Test("Buffers grow for a larger call and are reused for a smaller one")
  func reuse() {
    let scratch = ScratchSpace()
    let small = scratch.buffer(count: 10)
    var span = small.mutableSpan
    span[9] = 7
    #expect(scratch.buffer(count: 3).span[9] == 7)
    let large = scratch.buffer(count: 100)
    #expect(large.count == 100 && scratch.buffer(count: 10).count == 100)
  }

  @Test("Every thread has a buffer of its own")
  func workers() {
    let buffers = ScratchSpace().workers(count: 5)
    #expect(buffers.count == ThreadPolicy.threads)
    for (index, buffer) in buffers.enumerated() {
      var span = buffer.mutableSpan
      span[0] = Float(index)
    }
    #expect(buffers.map { $0.span[0] } == buffers.indices.map(Float.init))
  }
}
