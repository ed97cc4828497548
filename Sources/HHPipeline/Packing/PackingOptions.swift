// Everything a user can choose about taking a trained export back.

internal import HHFormat

/// The settings of one packing; the folder is required.
package struct PackingOptions: Sendable {
  /// The folder that an export wrote and others trained, or one of a PEFT adapter for it.
  package var folder: String
  /// The artifact that was exported.
  package var base: String?
  /// Path of the new artifact; nil means the folder's name in the working folder.
  package var output: String?
  /// Whether an existing output may be replaced.
  package var force = false
  /// Whether weights that are not finite are packed all the same.
  package var allowNonfinite = false
  /// Threads to use.
  package var threads = 1

  /// Creates the default settings.
  package init(folder: String) { self.folder = folder }

  /// Where the artifact goes.
  package var outputPath: String { output ?? modelName(ofPath: folder) + artifactSuffix }
}
