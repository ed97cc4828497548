// Exports into a folder of a test.

import HHTestSupport

@testable import HHExport

extension TemporaryDirectory {
  /// Exports `source` to a new place of that name; returns its path.
  func export(
    _ source: String, _ target: ExportOptions.Target, to name: String, dropHead: Bool = false
  ) throws -> String {
    var options = ExportOptions(source: source, target: target)
    options.output = path(name)
    options.dropHead = dropHead
    return try Export(options).run { _ in }.output
  }
}
