// A learning rate that falls when a loss stops falling.

/// Halves the learning rate, or whatever `factor` says, after some measurements without a new best.
package struct Plateau: Sendable, Equatable {
  /// What the rate is multiplied by.
  package let factor: Double
  /// Measurements without an improvement that are put up with.
  package let patience: Int
  /// The factor of the peak rate at present.
  package private(set) var scale = 1.0
  private var best = Double.infinity
  private var stale = 0

  /// Creates the state before the first measurement.
  package init(factor: Double = 0.5, patience: Int = 2) {
    precondition(factor > 0 && factor < 1 && patience >= 0, "Plateau: a factor below 1")
    self.factor = factor
    self.patience = patience
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
