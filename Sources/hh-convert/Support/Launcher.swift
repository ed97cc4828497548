// Copies of one command that a launcher starts by mistake.

import Glibc

/// What started this process.
enum Launcher {
  /// The variable in which `batch` tells the processes that it starts its own number.
  static let parentVariable = "HH_BATCH_PARENT"

  /// Variables in which launchers say how many copies they start.
  private static let counts = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"]

  /// Refuses to be one of several copies, all of which would do the same work: `mpirun -n 4` and
  /// `srun -n 4` start as many of a program that knows nothing of the others.
  ///
  /// - Throws: `ReportedFailure` with the status `usage`.
  static func refuseCopies() throws(ReportedFailure) {
    guard environmentVariable(parentVariable) == nil else { return }
    for name in counts {
      guard let count = environmentVariable(name).flatMap({ Int($0) }), count > 1 else { continue }
      throw ReportedFailure(
        message:
          "\(name): expected one copy of this command, found \(count) that are started at once"
          + "\nhint: 'hh-convert batch --shard auto' divides the models among copies; where there is"
          + " only one, unset \(name)", status: .usage)
    }
  }
}

/// The value of an environment variable; nil where there is none.
func environmentVariable(_ name: String) -> String? {
  // Safe: the name is passed as a C string, and the value is copied at once.
  unsafe getenv(name).map { unsafe String(cString: $0) }
}
