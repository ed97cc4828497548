// Durations on the command line: 90, 90s, 10m, 1h30m.

import ArgumentParser

/// A positive duration.
struct TimeBudget {
  let seconds: Double

  /// Reads a duration; anything else is a `ValidationError`.
  init(_ argument: String) throws {
    guard let seconds = Self.seconds(argument) else {
      throw ValidationError("expected a duration such as 90s, 10m or 1h30m, found '\(argument)'")
    }
    self.seconds = seconds
  }

  private static func seconds(_ argument: String) -> Double? {
    var total = 0.0
    var digits = ""
    for character in argument {
      if character.isASCII, character.isNumber || character == "." {
        digits.append(character)
        continue
      }
      let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
      guard let unit = units[character], let value = Double(digits) else { return nil }
      total += value * unit
      digits = ""
    }
    if !digits.isEmpty {
      guard let value = Double(digits) else { return nil }
      total += value
    }
    guard total > 0, total.isFinite else { return nil }
    return total
  }
}
