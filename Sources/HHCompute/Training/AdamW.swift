// Adam with decoupled weight decay (arXiv 1711.05101), step for step as PyTorch's AdamW.

internal import Glibc
internal import HHKernels

/// AdamW over a list of parameter buffers; it owns their moments.
package final class AdamW {
  /// The constants of the method.
  package struct Options: Sendable, Equatable {
    /// Decay of the first moment.
    package var beta1: Double
    /// Decay of the second moment.
    package var beta2: Double
    /// Added to the root of the second moment.
    package var epsilon: Double
    /// Shrinks parameters by learning rate · weightDecay per step.
    package var weightDecay: Double

    /// Creates options; the defaults are PyTorch's, without weight decay.
    package init(
      beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0
    ) {
      precondition((0..<1).contains(beta1) && (0..<1).contains(beta2), "AdamW: 0 <= beta < 1")
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
    }
  }

  /// The constants in use.
  package let options: Options
  /// The parameters that `step` changes.
  package let parameters: [FloatBuffer]
  /// First moment of each parameter.
  package let firstMoments: [FloatBuffer]
  /// Second moment of each parameter.
  package let secondMoments: [FloatBuffer]
  /// Steps done; set it together with the moments to resume.
  package var stepCount: Int

  /// Creates an optimiser at step 0 with moments of zero.
  package init(_ parameters: [FloatBuffer], options: Options = Options()) {
    self.options = options
    self.parameters = parameters
    firstMoments = parameters.map { FloatBuffer(count: $0.count) }
    secondMoments = parameters.map { FloatBuffer(count: $0.count) }
    stepCount = 0
  }

  /// Moves every parameter against its gradient.
  ///
  /// - Parameters:
  ///   - gradients: One buffer per parameter, in the same order.
  ///   - rate: Learning rate of this step.
  ///   - gradientScale: Factor of the gradients: the place for clipping and averaging.
  package func step(gradients: [FloatBuffer], rate: Double, gradientScale: Double = 1) {
    precondition(gradients.count == parameters.count, "AdamW: one gradient per parameter")
    stepCount += 1
    let t = Double(stepCount)
    let scalars = AdamWStep(
      rate: Float(rate / (1 - pow(options.beta1, t))), decay: Float(rate * options.weightDecay),
      firstRate: Float(1 - options.beta1), secondRate: Float(1 - options.beta2),
      secondScale: Float(1 / (1 - pow(options.beta2, t)).squareRoot()),
      epsilon: Float(options.epsilon), gradientScale: Float(gradientScale))
    for index in parameters.indices {
      let (parameter, gradient) = (parameters[index], gradients[index])
      let (first, second) = (firstMoments[index], secondMoments[index])
      precondition(gradient.count == parameter.count, "AdamW: gradient \(index) has another size")
      parallelFor(count: parameter.count, grain: 1 << 16) { range, _ in
        var target = parameter.mutableSpan(range)
        var m = first.mutableSpan(range)
        var v = second.mutableSpan(range)
        adamW(&target, gradients: gradient.span(range), first: &m, second: &v, scalars)
      }
    }
  }
}
