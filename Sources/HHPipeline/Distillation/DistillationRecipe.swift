// The settings of attention-weight distillation, with their defaults.

internal import HHCompute

/// How feature maps are trained to mimic a teacher's attention weights.
package struct DistillationRecipe: Sendable, Equatable {
  /// Optimiser steps per layer.
  package var steps = 200
  /// Sequences or images per step.
  package var batchSize = 8
  /// AdamW's highest learning rate; it rises over the first steps and then falls linearly to zero.
  /// Nil chooses it by the size of the heads: see `peakRate`.
  package var learningRate: Double?
  /// Most distinct rows to train on; nil means as many as hold `positionLimit` positions.
  package var rowLimit: Int?
  /// Seed of the order of the training rows.
  package var seed: UInt64 = 0
  /// Wall time that the stage may take, in seconds; fewer steps are run where `steps` would take
  /// longer.
  package var budget: Double?

  /// Distinct positions that are enough: on a real BERT 65,536 give the same KL as 204,800 (0.168)
  /// and the teacher has to read a third of the text.
  package static let positionLimit = 65_536
  /// Steps over which the learning rate rises.
  static let warmUpSteps = 10
  /// AdamW's decay of squared gradients: shorter than usual, since a run has few steps.
  static let secondMomentDecay = 0.99

  /// Creates a recipe with the defaults.
  package init() {}

  /// The highest learning rate for heads of a size.
  ///
  /// On real models with heads of 8 and 32 a rate of 0.1 ends after 200 steps at a KL of 0.4 to 0.9
  /// times that of 0.01; 0.2 is worse. Wider heads add more weights up in each feature, so the rate
  /// falls in proportion beyond 32.
  package func peakRate(headSize: Int) -> Double {
    learningRate ?? 0.1 * min(1, 32 / Double(headSize))
  }

  /// The learning rate of each of `steps` steps, for heads of a size.
  func schedule(headSize: Int, steps: Int) -> Schedule {
    Schedule(
      peak: peakRate(headSize: headSize), decay: .linear,
      warmUpSteps: min(Self.warmUpSteps, steps / 10), steps: steps)
  }

  /// Distinct rows of a length to train on.
  func rowCount(length: Int) -> Int {
    let limit = rowLimit ?? max(batchSize, Self.positionLimit / length)
    return max(1, min(steps * batchSize, limit))
  }
}
