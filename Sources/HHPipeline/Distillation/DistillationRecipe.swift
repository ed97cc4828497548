// The settings of attention-weight distillation, with their defaults.

/// How feature maps are trained to mimic a teacher's attention weights.
package struct DistillationRecipe: Sendable, Equatable {
  /// Optimiser steps per layer.
  package var steps = 200
  /// Sequences or images per step.
  package var batchSize = 8
  /// AdamW's learning rate at the first step; it falls linearly to zero.
  package var learningRate = 1e-2
  /// Seed of the order of the training rows.
  package var seed: UInt64 = 0
  /// Wall time that the stage may take, in seconds; fewer steps are run where `steps` would take
  /// longer.
  package var budget: Double?

  /// Creates a recipe with the defaults.
  package init() {}
}
