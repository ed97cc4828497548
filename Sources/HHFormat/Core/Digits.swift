// Numbers with leading zeros.

extension BinaryInteger {
  /// The digits of a number that is not negative, with zeros in front if there are fewer than
  /// `count`.
  package func digits(atLeast count: Int, radix: Int = 10) -> String {
    let digits = String(self, radix: radix)
    return String(repeating: "0", count: max(0, count - digits.utf8.count)) + digits
  }
}
