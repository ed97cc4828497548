// Durations on the command line: 90, 90s, 10m, 1h30m.

import ArgumentParser

/// A positive duration in seconds.
struct TimeBudget: ExpressibleByArgument {
  let seconds: Double

  init?(argument: String) {
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
    seconds = total
  }
}
