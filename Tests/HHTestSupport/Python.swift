// The optional judge: a Python with the packages that the official readers and writers come in.

import Foundation
package import Testing

/// The Python interpreter named by the environment variable `HH_PYTHON`, else the one that
/// `scripts/python-env` makes.
package enum Python {
  /// Its path, where there is one.
  package static let path: String? = {
    if let given = ProcessInfo.processInfo.environment["HH_PYTHON"] { return given }
    let made = "\(Fixtures.root)/.build/python/bin/python"
    return FileManager.default.isExecutableFile(atPath: made) ? made : nil
  }()

  /// Whether it has all of some packages.
  fileprivate static func holds(_ packages: [String]) -> Bool {
    let check =
      "import importlib.util, sys; sys.exit(any(importlib.util.find_spec(n) is None for n in sys.argv[1:]))"
    do {
      return try run(check, packages).status == 0
    } catch {
      return false
    }
  }

  /// Runs a program and returns what it printed and its exit status.
  package static func run(
    _ program: String, _ arguments: [String] = []
  ) throws -> (output: String, status: Int32) {
    let process = Process()
    process.executableURL = URL(filePath: path ?? "/usr/bin/env")
    process.arguments = ["-c", program] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    // Reads to the end first: a full pipe would make the program wait for ever.
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (String(decoding: data, as: UTF8.self), process.terminationStatus)
  }
}

extension Trait where Self == ConditionTrait {
  /// Skips a test visibly where there is no Python to judge by.
  package static var needsPython: Self {
    .enabled(if: Python.path != nil, "no Python: set HH_PYTHON or run scripts/python-env")
  }

  /// Skips a test visibly where Python lacks a package: `scripts/python-env peers` has the large
  /// ones, which continuous integration does not install.
  package static func needsPython(with packages: String...) -> Self {
    .enabled(
      if: Python.path != nil && Python.holds(packages),
      "Python lacks one of \(packages.joined(separator: ", ")): run scripts/python-env peers")
  }
}
