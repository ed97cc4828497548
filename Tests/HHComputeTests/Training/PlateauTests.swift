// The rate that falls with a loss that does not.

import HHCompute
import Testing

@Suite struct PlateauTests {
  @Test("The rate halves after more stale measurements than its patience")
  func halves() {
    var plateau = Plateau(factor: 0.5, patience: 1)
    for loss in [3.0, 2, 2.5] { plateau.observe(loss) }
    #expect(plateau.scale == 1)
    plateau.observe(.nan)
    #expect(plateau.scale == 0.5)
    for loss in [1.9, 1.9, 1.9] { plateau.observe(loss) }
    #expect(plateau.scale == 0.25)
  }

  @Test("The norm of large buffers is that of their parts")
  func norms() {
    let large = FloatBuffer([Float](repeating: 0.5, count: 600_000))
    let small = FloatBuffer([3, 4])
    #expect(abs(norm([large, small]) - (150_000.0 + 25).squareRoot()) < 1e-9)
  }
}
