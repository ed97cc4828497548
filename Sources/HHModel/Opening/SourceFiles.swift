// The files of a model while it is worked on.

package import HHFormat

/// The files that a model is read from, as they were when it was opened.
///
/// Weights are read from mapped files whenever they are needed, digests in a pass of their own. Only
/// where no file changes in between do both belong to the same model.
package struct SourceFiles: Sendable {
  private let files: [(path: String, identity: FileIdentity?)]

  /// Notes the files of a checkpoint that has just been opened, its configuration among them.
  package init(of checkpoint: Checkpoint) {
    files = checkpoint.digestedFiles.map { ($0, FileIdentity(of: $0)) }
  }

  /// Refuses files that were written into since.
  ///
  /// - Throws: `badData` naming the first of them.
  package func requireUnchanged() throws(FormatError) {
    for (path, identity) in files {
      guard let change = identity?.change(until: FileIdentity(of: path)) else { continue }
      throw FormatError(
        .badData, file: path,
        problem: "changed while it was read: \(change); nothing is written",
        hint: "begin again when no other program writes the model's files")
    }
  }
}
