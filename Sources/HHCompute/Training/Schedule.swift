// Learning-rate schedules.

internal import Glibc

/// The learning rate as a function of the step.
package struct Schedule: Sendable, Equatable {
  /// What happens after the warm-up.
  package enum Decay: String, Sendable, CaseIterable {
    /// The peak rate throughout.
    case constant
    /// A straight line to zero at `steps`.
    case linear
    /// Half a cosine to zero at `steps`.
    case cosine
  }

  /// Largest rate.
  package var peak: Double
  /// Shape of the decay.
  package var decay: Decay
  /// Steps in which the rate rises in equal amounts to its peak.
  package var warmUpSteps: Int
  /// Steps of the whole run, warm-up included.
  package var steps: Int

  /// Creates a schedule.
  package init(peak: Double, decay: Decay, warmUpSteps: Int = 0, steps: Int) {
    precondition(steps >= 0 && warmUpSteps >= 0, "Schedule: steps")
    self.peak = peak
    self.decay = decay
    self.warmUpSteps = warmUpSteps
    self.steps = steps
  }

  /// The rate of step `step`, the first being 0. Without warm-up a linear schedule gives
  /// peak · (1 − step / steps).
  package func rate(step: Int) -> Double {
    if step < warmUpSteps { return peak * Double(step + 1) / Double(warmUpSteps) }
    let progress = min(1, Double(step - warmUpSteps) / Double(max(1, steps - warmUpSteps)))
    switch decay {
    case .constant: return peak
    case .linear: return peak * (1 - progress)
    case .cosine: return peak * 0.5 * (1 + cos(Double.pi * progress))
    }
  }
}
