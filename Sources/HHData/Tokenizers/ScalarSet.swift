// Sets of Unicode scalars, as patterns write them: `[^\s\p{L}]`.

/// A set of scalars by general category and by range.
struct ScalarSet: Sendable {
  /// One bit for each general category in the set; see `GeneralCategories`.
  private var categories: UInt32 = 0
  private var ranges: [ClosedRange<UInt32>] = []
  /// Whether the set is what categories and ranges do not hold.
  private var isNegated = false
  /// Scalars that are not in the set, whatever else is said (`&&[^…]`).
  private var excluded: [ScalarSet] = []
  /// One bit for each ASCII scalar; kept up to date by every change.
  private var ascii: (low: UInt64, high: UInt64) = (0, 0)

  /// The empty set.
  init() {}

  /// One scalar, and with `ignoringCase` the others that are the same letter.
  init(_ scalar: Unicode.Scalar, ignoringCase: Bool = false) {
    var values = [scalar.value]
    if ignoringCase {
      let properties = scalar.properties
      values += (properties.lowercaseMapping + properties.uppercaseMapping).unicodeScalars.map(
        \.value)
      // The long s, the one letter outside ASCII that is the same as one of the contractions'.
      if values.contains(0x73) { values.append(0x17F) }
    }
    for value in values { insert(value...value) }
  }

  /// The scalars whose general category begins with a name such as `L` or `Lu`; nil where there is
  /// no such category.
  init?(category name: String) {
    let bits = GeneralCategories.bits(named: name)
    guard bits != 0 else { return nil }
    categories = bits
    updateASCII()
  }

  /// `\s`: Unicode's white space.
  static let whiteSpace = ScalarSet(ranges: [
    0x09...0x0D, 0x20...0x20, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A,
    0x2028...0x2029, 0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000,
  ])

  /// Han ideographs (Unicode 15, property Script).
  static let han = ScalarSet(ranges: [
    0x2E80...0x2E99, 0x2E9B...0x2EF3, 0x2F00...0x2FD5, 0x3005...0x3005, 0x3007...0x3007,
    0x3021...0x3029, 0x3038...0x303B, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFA6D,
    0xFA70...0xFAD9, 0x16FE2...0x16FE3, 0x16FF0...0x16FF1, 0x20000...0x2A6DF, 0x2A700...0x2B739,
    0x2B740...0x2B81D, 0x2B820...0x2CEA1, 0x2CEB0...0x2EBE0, 0x2EBF0...0x2EE5D, 0x2F800...0x2FA1D,
    0x30000...0x3134A, 0x31350...0x323AF,
  ])

  /// What makes up words to `\b`: letters, marks, digits and connecting punctuation.
  static let word = ["L", "M", "Nd", "Pc"].reduce(into: ScalarSet()) { result, name in
    if let part = ScalarSet(category: name) { result.formUnion(part) }
  }

  private init(ranges: [ClosedRange<UInt32>]) {
    self.ranges = ranges
    updateASCII()
  }

  /// Adds a range of scalars.
  mutating func insert(_ range: ClosedRange<UInt32>) {
    ranges.append(range)
    updateASCII()
  }

  /// Adds the members of a set that is neither negated nor an intersection.
  mutating func formUnion(_ other: ScalarSet) {
    categories |= other.categories
    ranges += other.ranges
    updateASCII()
  }

  /// Turns the set into its complement.
  mutating func negate() {
    isNegated.toggle()
    updateASCII()
  }

  /// Takes the members of another set out.
  mutating func subtract(_ other: ScalarSet) {
    excluded.append(other)
    updateASCII()
  }

  /// Whether a scalar is in the set.
  func contains(_ scalar: Unicode.Scalar) -> Bool {
    let value = scalar.value
    return value < 128 ? containsASCII(UInt8(truncatingIfNeeded: value)) : holds(scalar)
  }

  /// Whether an ASCII scalar is in the set.
  func containsASCII(_ byte: UInt8) -> Bool {
    (byte < 64 ? ascii.low >> UInt64(byte) : ascii.high >> UInt64(byte - 64)) & 1 != 0
  }

  private func holds(_ scalar: Unicode.Scalar) -> Bool {
    let isListed =
      categories & GeneralCategories.bit(of: scalar) != 0
      || ranges.contains { $0.contains(scalar.value) }
    return isListed != isNegated && !excluded.contains { $0.contains(scalar) }
  }

  private mutating func updateASCII() {
    ascii = (0, 0)
    for byte in UInt8(0)..<128 where holds(Unicode.Scalar(byte)) {
      if byte < 64 { ascii.low |= 1 << UInt64(byte) } else { ascii.high |= 1 << UInt64(byte - 64) }
    }
  }
}

/// The general categories as bits of a word.
private enum GeneralCategories {
  private static let names: [(name: String, category: Unicode.GeneralCategory)] = [
    ("Lu", .uppercaseLetter), ("Ll", .lowercaseLetter), ("Lt", .titlecaseLetter),
    ("Lm", .modifierLetter), ("Lo", .otherLetter), ("Mn", .nonspacingMark),
    ("Mc", .spacingMark), ("Me", .enclosingMark), ("Nd", .decimalNumber),
    ("Nl", .letterNumber), ("No", .otherNumber), ("Pc", .connectorPunctuation),
    ("Pd", .dashPunctuation), ("Ps", .openPunctuation), ("Pe", .closePunctuation),
    ("Pi", .initialPunctuation), ("Pf", .finalPunctuation), ("Po", .otherPunctuation),
    ("Sm", .mathSymbol), ("Sc", .currencySymbol), ("Sk", .modifierSymbol), ("So", .otherSymbol),
    ("Zs", .spaceSeparator), ("Zl", .lineSeparator), ("Zp", .paragraphSeparator),
    ("Cc", .control), ("Cf", .format), ("Cs", .surrogate), ("Co", .privateUse),
    ("Cn", .unassigned),
  ]

  /// The bits of the categories whose name begins with a text.
  static func bits(named name: String) -> UInt32 {
    var bits: UInt32 = 0
    for (index, entry) in names.enumerated() where entry.name.hasPrefix(name) {
      bits |= 1 << UInt32(index)
    }
    return bits
  }

  /// The bit of a scalar's category: from a table for the first plane, where most text is.
  static func bit(of scalar: Unicode.Scalar) -> UInt32 {
    1 << UInt32(scalar.value < 0x10000 ? firstPlane[Int(scalar.value)] : index(of: scalar))
  }

  private static let indices = Dictionary(
    uniqueKeysWithValues: names.enumerated().map { ($1.category, UInt8($0)) })

  private static let firstPlane: [UInt8] = (0..<0x10000).map { value in
    Unicode.Scalar(UInt32(value)).map(index(of:)) ?? 0
  }

  private static func index(of scalar: Unicode.Scalar) -> UInt8 {
    indices[scalar.properties.generalCategory] ?? 0
  }
}
