// What a stage is going to do: what was asked for, and what follows from the model and its rows.

internal import HHCompute
package import HHModel

/// The settings of a stage with what is decided about it once model, rows and memory are known.
@dynamicMemberLookup
package struct TrainingPlan: Sendable, Equatable {
  /// What was asked for.
  package var settings: TrainingSettings
  /// Optimiser steps, of distillation per layer.
  package var steps: Int
  /// Seed of the order of rows, of adapters, of dropout and of what is hidden.
  package var seed: UInt64
  /// Softens logits that are matched to a teacher's.
  package var temperature = 1.0
  /// How tokens are hidden where the model learns to fill them in; nil where it does not.
  package var masking: TokenMasking?
  /// Whether blocks are computed again in the backward pass, which saves memory.
  package var recomputesBlocks = false
  /// Whether weights that are not trained are read again for every block, which saves more.
  package var streamsWeights = false

  /// Plans a stage that was asked for by its steps.
  package init(_ settings: TrainingSettings, seed: UInt64 = 0) {
    (self.settings, steps, self.seed) = (settings, settings.steps ?? 0, seed)
  }

  /// Plans a stage with the defaults.
  package init(_ stage: TrainingStage) { self.init(TrainingSettings(stage)) }

  /// Plans a stage on `rowCount` distinct rows, a started batch counting as one.
  ///
  /// - Throws: `PipelineError.invalidSetting` for more steps than a run can have.
  package init(
    _ settings: TrainingSettings, rowCount: Int, seed: UInt64
  ) throws(PipelineError) {
    self.init(settings, seed: seed)
    guard let epochs = settings.epochs else { return }
    let rowsPerStep = Double(settings.batchSize * settings.accumulation)
    let steps = (epochs * Double(rowCount) / rowsPerStep).rounded(.up)
    guard steps <= 10_000_000 else {
      throw .invalidSetting(
        settings.key(\.epochs), problem: "expected at most 10,000,000 steps, found \(steps)")
    }
    self.steps = Int(steps)
  }

  /// A setting as it was asked for.
  package subscript<Value>(
    dynamicMember path: WritableKeyPath<TrainingSettings, Value>
  ) -> Value {
    get { settings[keyPath: path] }
    set { settings[keyPath: path] = newValue }
  }

  /// A setting that follows from others.
  package subscript<Value>(dynamicMember path: KeyPath<TrainingSettings, Value>) -> Value {
    settings[keyPath: path]
  }

  /// The learning rates of the stage, over `steps` steps; of distillation for heads of a size.
  func rates(headSize: Int = 1, steps: Int) -> RateControl {
    let isDistilling = settings.stage == .distil
    return RateControl(
      peak: settings.peakRate(headSize: headSize), schedule: settings.schedule,
      warmUpSteps: isDistilling ? min(settings.warmUpSteps, steps / 10) : settings.warmUpSteps,
      steps: steps, plateau: settings.plateau, earlyStop: settings.earlyStop)
  }

  /// Rows that the steps visit, one as often as it comes.
  package var visits: Double {
    Double(steps) * Double(settings.accumulation) * Double(settings.batchSize)
  }
}
