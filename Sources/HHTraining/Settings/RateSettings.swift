// How held-out losses lower the learning rate and end a stage.

internal import HHFormat
package import HHModel

/// How the schedule `plateau` lowers the rate when the held-out loss no longer falls.
package struct PlateauSettings: NestedSettings {
  /// What the rate is multiplied by.
  package var factor = 0.1
  /// Measurements without progress to wait.
  package var patience = 10
  /// The rate it stops at.
  package var minimum = 1e-5
  /// Steps between measurements.
  package var interval = 100

  /// The defaults.
  package init() {}

  package var settings: [Setting<Self>] {
    [
      Setting(
        "factor", \.factor, limits: ["exclusiveMinimum": 0, "exclusiveMaximum": 1],
        help: "What the rate is multiplied by"),
      Setting("patience", \.patience, limits: .range(0...10_000_000), help: "Measurements to wait"),
      Setting("minimum", \.minimum, limits: ["minimum": 0], help: "The rate it stops at"),
      Setting(
        "interval", \.interval, limits: .range(1...10_000_000), help: "Steps between measurements"),
    ]
  }
}

/// When a stage ends before its last step; the weights of its best measurement are kept.
package struct EarlyStopSettings: NestedSettings {
  /// Measurements without a new best of the held-out loss to wait.
  package var patience = 3
  /// Steps between measurements.
  package var interval = 100

  /// The defaults.
  package init() {}

  /// Waits and measures as given.
  package init(patience: Int, interval: Int = 100) {
    (self.patience, self.interval) = (patience, interval)
  }

  package var settings: [Setting<Self>] {
    [
      Setting("patience", \.patience, limits: .range(1...10_000_000), help: "Measurements to wait"),
      Setting(
        "interval", \.interval, limits: .range(1...10_000_000), help: "Steps between measurements"),
    ]
  }
}
