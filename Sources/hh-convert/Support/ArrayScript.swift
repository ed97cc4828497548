// A job array for Slurm that converts what is left of a batch.

import HHFormat
import HHPipeline

/// The text of a script for `sbatch`.
struct ArrayScript {
  /// What a task needs.
  struct Needs {
    /// Bytes of the largest model's conversion, as estimated.
    var memory = 0
    /// Seconds of the slowest model's conversion, as estimated.
    var seconds = 0.0
  }

  /// Slurm's usual `MaxArraySize` is 1001, and the numbers of tasks are less.
  static let mostTasks = 1000
  /// How often a task that asks to be tried again is.
  private static let mostRetries = 5

  /// The working folder and the program, as absolute paths.
  let folder: String
  let program: String
  /// The words of `batch`, but for the shard and the threads.
  let words: [String]
  /// How many models the batch has, and the places of those that are left.
  let modelCount: Int
  let left: [Int]
  let threads: Int
  let needs: Needs

  /// Shards of the batch: one for each model, or as many as an array may have tasks.
  var shardCount: Int { min(modelCount, Self.mostTasks) }

  /// The shards with something left, as Slurm writes them: `1,3-5`.
  var array: String { Format.ranges(Set(left.map { $0 % shardCount + 1 })) }

  /// Megabytes: the estimate and a fifth, and what the program takes anyway.
  private var megabytes: Int { (needs.memory + needs.memory / 5) / 1_000_000 + 500 }

  /// Minutes for all models of a task: three times the estimate, since nodes differ.
  private var minutes: Int {
    let models = (modelCount + shardCount - 1) / shardCount
    return 10 + Int((3 * needs.seconds * Double(models) / 60).rounded(.up))
  }

  private var time: String {
    let minute = minutes % 60
    return "\(minutes / 60):\(minute < 10 ? "0" : "")\(minute):00"
  }

  /// The script.
  var text: String {
    let command = ([program, "batch"] + words).map(Self.quoted).joined(separator: " ")
    return """
      #!/bin/bash
      #SBATCH --job-name=hh-convert
      #SBATCH --array=\(array)
      #SBATCH --ntasks=1
      #SBATCH --cpus-per-task=\(threads)
      #SBATCH --mem=\(megabytes)M
      #SBATCH --time=\(time)
      #SBATCH --requeue
      #SBATCH --open-mode=append
      #SBATCH --output=hh-convert-%A_%a.log
      #SBATCH --signal=B:USR1@120
      # \(left.count) of \(modelCount) models are left. What is done is skipped, so it may be submitted again.
      cd \(Self.quoted(folder)) || exit 66
      \(command) \\
        --shard "$SLURM_ARRAY_TASK_ID/\(shardCount)" --threads "$SLURM_CPUS_PER_TASK" &
      trap 'kill -USR1 $!' USR1 TERM
      wait $!; status=$?
      while kill -0 $! 2>/dev/null; do wait $!; status=$?; done
      if [ "$status" = 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt \(Self.mostRetries) ]; then
        scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
      fi
      exit "$status"

      """
  }

  /// A word as a shell reads it back.
  static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "-_./=,:+@%".utf8.contains(byte)
      }
    }
    if isPlain, !word.isEmpty { return word }
    return "'"
      + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
      + "'"
  }
}
