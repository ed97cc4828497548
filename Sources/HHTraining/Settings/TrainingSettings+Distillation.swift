// What the settings of distillation come to: its rate, its rows, and what a step looks at.

package import HHCompute

extension TrainingSettings {
  /// Distinct positions that are enough: on a real BERT four times as many lower the KL by a
  /// fiftieth, and the teacher has to read all of them.
  package static let positionLimit = 16_384
  /// AdamW's decays of its two moments: its memory is shorter than usual, since a run has few steps:
  /// on a real BERT 0.5 and 0.9 reach in 100 steps what 0.9 and 0.99 reach in 200.
  static let momentDecays = (first: 0.5, second: 0.9)
  /// Queries per step and head that tell the direction well enough, where heads are narrow.
  private static let queryCount = 256
  /// The same, for each dimension of wider heads.
  private static let queriesPerDimension = 8
  /// Least queries of a sequence, where it has them: the features of its keys cost as much as the
  /// rest of a step does for so many.
  private static let leastQueries = 32

  /// The highest learning rate, of distillation for heads of a size.
  ///
  /// Wider heads add more weights up in each feature, so the rate falls in proportion: on real
  /// models 0.1 is best for heads of 32, and 0.4 for heads of 8.
  package func peakRate(headSize: Int) -> Double {
    learningRate ?? min(0.4, 3.2 / Double(headSize))
  }

  /// The queries that step `step` trains on: of a large batch every second, third and so on, a
  /// different set from step to step.
  package func sample(step: Int, of shape: AttentionShape, headSize: Int) -> QuerySample {
    let wanted = max(Self.queryCount, Self.queriesPerDimension * headSize)
    let stride = max(
      1, min(shape.validPositions / wanted, shape.length / Self.leastQueries))
    return QuerySample(first: step % stride, step: stride)
  }

  /// Distinct rows that the stage can use: of distillation some, of `length` positions.
  package func rowCount(length: Int) -> Int {
    guard let steps else { return rowLimit ?? .max }
    let all = steps * batchSize * accumulation
    guard stage == .distil else { return min(all, rowLimit ?? all) }
    return max(1, min(all, rowLimit ?? max(batchSize, Self.positionLimit / length)))
  }
}
