// AdamW against PyTorch's.

import HHCompute
import HHFormat
import HHTestSupport
import Testing

@Suite struct AdamWTests {
  @Test("Six steps end where PyTorch's do", arguments: ["no-decay", "decay"])
  func golden(name: String) throws {
    let tensors = try GoldenTensors(Fixtures.path("golden/adamw.safetensors"))
    let index = try goldenIndex("adamw")
    let entry = try #require(index.first { $0["name"]?.string == name })
    let rates = try #require(entry["rates"]?.array).compactMap(\.double)
    let values = try tensors.floats("\(name).values")
    let gradients = try tensors.floats("\(name).gradients")
    let count = gradients.count / rates.count
    let parameter = FloatBuffer(Array(values[..<count]))
    let optimizer = AdamW(
      [parameter],
      options: AdamW.Options(weightDecay: try #require(entry["weight_decay"]?.double)))
    for (step, rate) in rates.enumerated() {
      let gradient = FloatBuffer(Array(gradients[step * count..<(step + 1) * count]))
      optimizer.step(gradients: [gradient], rate: rate)
      let expected = values[(step + 1) * count..<(step + 2) * count].map(Double.init)
      expectClose(parameter.values, expected, tolerance: 1e-6, "step \(step)")
    }
    let first = try tensors.floats("\(name).first_moment").map(Double.init)
    let second = try tensors.floats("\(name).second_moment").map(Double.init)
    expectClose(optimizer.firstMoments[0].values, first, tolerance: 1e-6)
    expectClose(optimizer.secondMoments[0].values, second, tolerance: 1e-6)
  }

  @Test("Restored moments continue the run exactly, for any size", arguments: Array(0...35))
  func resume(count: Int) {
    var samples = Samples(seed: UInt64(count))
    let start = samples.values(count)
    let gradients = (0..<4).map { _ in samples.buffer(count) }
    let straight = AdamW([FloatBuffer(start)], options: AdamW.Options(weightDecay: 0.1))
    for gradient in gradients { straight.step(gradients: [gradient], rate: 0.01) }
    let before = AdamW([FloatBuffer(start)], options: straight.options)
    for gradient in gradients[..<2] { before.step(gradients: [gradient], rate: 0.01) }
    let after = AdamW([FloatBuffer(before.parameters[0].values)], options: straight.options)
    after.stepCount = before.stepCount
    for (to, from) in [
      (after.firstMoments[0], before.firstMoments[0]),
      (after.secondMoments[0], before.secondMoments[0]),
    ] {
      var span = to.mutableSpan
      for index in span.indices { span[index] = from.span[index] }
    }
    for gradient in gradients[2...] { after.step(gradients: [gradient], rate: 0.01) }
    #expect(after.parameters[0].values == straight.parameters[0].values)
  }

  @Test("A factor of the gradients is taken in before the moments")
  func gradientScale() {
    let (scaled, plain) = (AdamW([FloatBuffer([1])]), AdamW([FloatBuffer([1])]))
    scaled.step(gradients: [FloatBuffer([8])], rate: 0.1, gradientScale: 0.25)
    plain.step(gradients: [FloatBuffer([2])], rate: 0.1)
    #expect(scaled.firstMoments[0].values == plain.firstMoments[0].values)
  }
}
