// A learning rate that falls when a loss stops falling.

/// Halves the learning rate, or whatever `factor` says, after some measurements without a new best.
package struct Plateau: Sendable, Equatable {
  /// What the rate is multiplied by.
  package let factor: Double
  /// Measurements without an improvement that are put up with.
  package let patience: Int
  /// The factor of the peak rate at present.
  package private(set) var scale: Double
  /// The lowest measurement so far.
  package private(set) var best: Double
  /// Measurements since then, or since the rate was last lowered.
  package private(set) var stale: Int

  /// Creates the state before the first measurement, or a later one that is resumed.
  package init(
    factor: Double = 0.5, patience: Int = 2, scale: Double = 1, best: Double = .infinity,
    stale: Int = 0
  ) {
    precondition(factor > 0 && factor < 1 && patience >= 0, "Plateau: a factor below 1")
    self.factor = factor
    self.patience = patience
    self.scale = scale
    self.best = best
    self.stale = stale
  }

  /// Takes a measurement in; one that is no number counts as no improvement.
  package mutating func observe(_ loss: Double) {
    if loss < best {
      best = loss
      stale = 0
      return
    }
    stale += 1
    if stale > patience {
      scale *= factor
      stale = 0
    }
  }
}
