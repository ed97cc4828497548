// AdamW, and the norm of gradients.

internal import CHHKernels

/// The scalars of one AdamW step, bias corrections worked in.
package struct AdamWStep: Sendable {
  /// Learning rate / (1 − β₁ᵗ).
  package var rate: Float
  /// Learning rate · weight decay.
  package var decay: Float
  /// 1 − β₁.
  package var firstRate: Float
  /// 1 − β₂.
  package var secondRate: Float
  /// 1 / √(1 − β₂ᵗ).
  package var secondScale: Float
  /// Added to the root of the second moment.
  package var epsilon: Float
  /// Factor of the gradients.
  package var gradientScale: Float

  /// Creates the scalars of a step.
  package init(
    rate: Float, decay: Float, firstRate: Float, secondRate: Float, secondScale: Float,
    epsilon: Float, gradientScale: Float
  ) {
    self.rate = rate
    self.decay = decay
    self.firstRate = firstRate
    self.secondRate = secondRate
    self.secondScale = secondScale
    self.epsilon = epsilon
    self.gradientScale = gradientScale
  }
}

/// One AdamW step: moves both moments, then the parameters.
package func adamW(
  _ parameters: inout MutableSpan<Float>, gradients: Span<Float>,
  first: inout MutableSpan<Float>, second: inout MutableSpan<Float>, _ step: AdamWStep
) {
  let count = parameters.count
  precondition(
    gradients.count == count && first.count == count && second.count == count, "adamW: counts")
  let scalars = hh_adamw_step(
    rate: step.rate, decay: step.decay, first_rate: step.firstRate, second_rate: step.secondRate,
    second_scale: step.secondScale, epsilon: step.epsilon, gradient_scale: step.gradientScale)
  // Safe: all four have `count` elements.
  unsafe parameters.address(needing: count) { parameters in
    unsafe gradients.address(needing: count) { gradients in
      unsafe first.address(needing: count) { first in
        unsafe second.address(needing: count) { second in
          unsafe withUnsafePointer(to: scalars) {
            unsafe hh_adamw(count, parameters, gradients, first, second, $0)
          }
        }
      }
    }
  }
}

/// Sum of squares, in double precision and in a fixed order.
package func sumOfSquares(_ x: Span<Float>) -> Double {
  // Safe: the kernel reads the buffer's elements only.
  unsafe x.withUnsafeBufferPointer { unsafe hh_sum_of_squares($0.count, $0.baseAddress) }
}
