// The learning rate of a training run, and when its held-out loss asks to lower it or to stop.

internal import HHCompute
internal import HHFormat

/// A schedule over the steps, lowered by a plateau of the held-out loss and ended where that loss
/// has not improved for long enough.
///
/// The state is a function of the settings and the measurements alone, so a run resumes by
/// restoring `state`.
struct RateControl: Sendable, Equatable {
  private let schedule: Schedule
  private let plateauSettings: PlateauSettings?
  private let earlyStop: EarlyStopSettings?
  private var plateau: Plateau?
  /// The lowest measurement so far, and how many came after it.
  private(set) var best = Double.infinity
  private var stale = 0

  /// Prepares for a run of `steps` steps.
  init(
    peak: Double, schedule asked: TrainingSettings.Schedule, warmUpSteps: Int, steps: Int,
    plateau: PlateauSettings?, earlyStop: EarlyStopSettings?
  ) {
    // A plateau lowers a rate that is constant otherwise.
    let shape = Schedule.Decay(rawValue: asked.rawValue) ?? .constant
    schedule = Schedule(peak: peak, decay: shape, warmUpSteps: warmUpSteps, steps: steps)
    plateauSettings = asked == .plateau ? plateau ?? PlateauSettings() : nil
    self.plateau = plateauSettings.map { Plateau(factor: $0.factor, patience: $0.patience) }
    self.earlyStop = earlyStop
  }

  /// The rate of step `step`, the first being 0.
  func rate(step: Int) -> Double {
    let scheduled = schedule.rate(step: step)
    guard let plateau, let settings = plateauSettings else { return scheduled }
    return max(plateau.scale * scheduled, min(scheduled, settings.minimum))
  }

  /// Whether the held-out loss is wanted once `count` steps are done.
  func isMeasured(after count: Int) -> Bool {
    [plateauSettings?.interval, earlyStop?.interval].compactMap(\.self)
      .contains { count.isMultiple(of: $0) }
  }

  /// Whether the weights of the best measurement are those that count.
  var keepsBest: Bool { earlyStop != nil }

  /// Takes the measurement after `count` steps in, the first after none.
  ///
  /// - Returns: Whether it is the lowest so far.
  mutating func observe(_ loss: Double, after count: Int) -> Bool {
    if let interval = plateauSettings?.interval, count.isMultiple(of: interval) {
      plateau?.observe(loss)
    }
    if loss < best {
      best = loss
      stale = 0
      return true
    }
    if let earlyStop, count.isMultiple(of: earlyStop.interval) { stale += 1 }
    return false
  }

  /// Whether training should end: as many measurements as the patience came without a new best.
  var isExhausted: Bool { earlyStop.map { stale >= $0.patience } ?? false }

  /// What measurements have made of it; JSON numbers are exact.
  var state: JSONObject {
    get {
      var object: JSONObject = [
        "best": best.isFinite ? .number(best) : .null, "stale": .integer(stale),
      ]
      if let plateau { object["plateau"] = .object(plateau.state) }
      return object
    }
    set {
      best = newValue["best"]?.double ?? .infinity
      stale = newValue["stale"]?.integer ?? 0
      if let state = newValue["plateau"]?.object { plateau?.restore(state) }
    }
  }
}

extension Plateau {
  fileprivate var state: JSONObject {
    [
      "scale": .number(scale), "best": best.isFinite ? .number(best) : .null,
      "stale": .integer(stale),
    ]
  }

  fileprivate mutating func restore(_ state: JSONObject) {
    self = Plateau(
      factor: factor, patience: patience, scale: state["scale"]?.double ?? 1,
      best: state["best"]?.double ?? .infinity, stale: state["stale"]?.integer ?? 0)
  }
}
