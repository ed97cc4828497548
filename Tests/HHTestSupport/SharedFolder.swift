// The folder with real models and data beside the package, which a checkout may lack.

import HHFormat
package import Testing

/// `shared` beside the package's root.
package enum SharedFolder {
  /// Its path, whether or not it is there.
  package static let path = join(directory(of: Fixtures.root), "shared")

  /// Whether it is there.
  package static var isPresent: Bool {
    do { return try PathKind(of: path) == .directory } catch { return false }
  }

  /// The path of something in it.
  package static func path(_ name: String) -> String { join(path, name) }
}

extension Trait where Self == ConditionTrait {
  /// Skips a test visibly where the folder is absent.
  package static var needsSharedFolder: Self {
    .enabled(if: SharedFolder.isPresent, "shared/ is absent")
  }
}
