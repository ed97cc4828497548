// The weights that training without a teacher begins with.

internal import HHData
package import HHFormat

/// The weights that `train` begins with.
package enum InitialWeights: Sendable, Equatable {
  /// A new model of given sizes.
  case sizes(NewModel)
  /// A checkpoint.
  case checkpoint(path: String)

  /// The checkpoint to train: the one that there is, or one that is written into `folder`, unless a
  /// run that was stopped has done so. The same seed gives the same weights.
  ///
  /// - Parameters:
  ///   - folder: Where it is written if need be.
  ///   - configuration: What stands in for the `config.json` of the checkpoint that there is; nil on
  ///     return where it has become part of the written one.
  ///   - classes: Classes of a new classifier of a checkpoint; nil keeps its heads.
  ///   - seed: Seed of what is drawn.
  /// - Returns: The path of the checkpoint.
  /// - Throws: `FormatError` for sizes that make no model, and for a checkpoint that cannot be read
  ///   or have a classifier.
  package func model(
    in folder: String, configuration: inout String?, classes: Int?, seed: UInt64
  ) throws(FormatError) -> String {
    switch self {
    case .sizes(let fresh):
      if !isPresent(folder) { try fresh.write(to: folder, seed: seed) }
    case .checkpoint(let path):
      guard let classes else { return path }
      if !isPresent(folder) {
        try NewClassifier(classCount: classes, path: path, configuration: configuration)
          .write(to: folder, seed: seed)
      }
      configuration = nil
    }
    return folder
  }
}
