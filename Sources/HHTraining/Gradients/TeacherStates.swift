// What distillation leaves to finetuning: rows that the teacher has read.

internal import HHCompute

/// The teacher's states behind its last block, which its answers follow from.
package struct TeacherStates {
  /// [rows × length, hidden size].
  let states: Matrix
  /// The batches of neighbours that have passed, by number; the states of others are embeddings.
  let batches: Set<Int>
}
