import HHCompute
import HHTestSupport
import Testing

@Suite struct GradientClippingTests {
  @Test("A norm is over all buffers, whatever their size")
  func norms() {
    #expect(
      norm([]) == 0 && norm([FloatBuffer(count: 0), FloatBuffer([3]), FloatBuffer([4])]) == 5)
    // Several blocks that threads add up.
    let many = FloatBuffer([Float](repeating: 0.5, count: 1 << 20))
    #expect(norm([many]) == 512)
    // In single precision the sum of these squares would overflow.
    #expect(abs(norm([FloatBuffer([3e30, 4e30])]) / 5e30 - 1) < 1e-6)
  }

  @Test("Gradients within the limit stay, larger ones come down to it")
  func scales() {
    #expect(clippingScale(norm: 0.5, limit: 1) == 1 && clippingScale(norm: 0, limit: 1) == 1)
    #expect(abs(clippingScale(norm: 4, limit: 1) - 0.25) < 1e-6)
  }
}
