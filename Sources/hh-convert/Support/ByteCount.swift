// Sizes on the command line: 500MB, 5GB, 2GiB, 1000000.

import ArgumentParser

/// A positive number of bytes.
struct ByteCount {
  let bytes: Int

  /// Reads a size; anything else is a `ValidationError`.
  init(_ argument: String) throws {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    let units = [
      "": 1, "B": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000, "KIB": 1 << 10,
      "MIB": 1 << 20, "GIB": 1 << 30,
    ]
    guard let number = Int(digits), number > 0,
      let unit = units[argument.dropFirst(digits.count).uppercased()]
    else { throw Self.error(argument) }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
    if overflow { throw Self.error(argument) }
    self.bytes = bytes
  }

  private static func error(_ argument: String) -> ValidationError {
    ValidationError("expected a size such as 5GB or 500MB, found '\(argument)'")
  }
}
