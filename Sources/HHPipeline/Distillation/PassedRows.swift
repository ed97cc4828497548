// What distillation leaves to finetuning: rows that the teacher has read.

internal import HHCompute

/// The teacher's states behind its last block, which its answers follow from.
struct PassedRows {
  /// [rows × length, hidden size].
  let states: Matrix
  /// The batches of neighbours that have passed, by number; the states of others are embeddings.
  let batches: Set<Int>
}

extension ConversionOptions {
  /// Of finetuning's `rowCount` rows those, from the first on, that distillation passes through the
  /// teacher as finetuning would: as many neighbours at a time, in the same precision. `distilled`
  /// rows are distilled.
  func sharedRowCount(distilled: Int, of rowCount: Int) -> Int {
    let batchSize = distillation.batchSize
    guard finetuning.isOn, (finetuning.batchSize ?? batchSize) == batchSize,
      finetuning.precision == distillation.precision
    else { return 0 }
    return distilled == rowCount ? rowCount : distilled / batchSize * batchSize
  }
}
