// The files under fixtures/ that come with the repository.

/// Paths below `fixtures`, whatever the working folder is.
package enum Fixtures {
  /// The package's root folder.
  package static let root = String(
    #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" })

  /// The path of a file or folder below `fixtures`.
  package static func path(_ name: String) -> String { "\(root)/fixtures/\(name)" }
}
