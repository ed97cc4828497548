// Where the integration tests find real models, data and reference tokenisations.

import HHFormat
import Testing

@testable import HHPipeline

/// The folder `shared` beside the package; tests that need it are skipped without it.
enum SharedFiles {
  static let root: String = {
    // …/Tests/HHPipelineTests/Data/SharedFiles.swift is five levels below the folder beside which
    // `shared` lies.
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(5)
    return parts.joined(separator: "/") + "/shared"
  }()

  static let arePresent = fileExists(root + "/README.md")

  static func path(_ name: String) -> String { "\(root)/\(name)" }
  static func text(_ name: String) throws -> String { try readText(path(name)) }
  static func json(_ name: String) throws -> JSONValue { try parseJSONFile(path(name)) }
}

extension Trait where Self == ConditionTrait {
  /// Skips a test visibly where the shared files are absent.
  static var needsSharedFiles: Self { .enabled(if: SharedFiles.arePresent, "shared/ is absent") }
}
