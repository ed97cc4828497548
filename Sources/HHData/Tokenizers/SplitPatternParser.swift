// The texts of patterns, read into the machine's instructions.

/// Reads a regular expression: alternatives, groups, lookaheads, sets, `?`, `*`, `+`, `{1,3}` and
/// possessive forms of them.
struct SplitPatternParser {
  private typealias Instruction = SplitPattern.Instruction

  private var rest: Substring.UnicodeScalarView
  private var ignoresCase = false

  init(_ text: String) {
    rest = text.unicodeScalars[...]
  }

  /// The programs of the alternatives; nil where the text has something unknown.
  mutating func alternatives() -> [[SplitPattern.Instruction]]? {
    guard let programs = branches(), rest.isEmpty else { return nil }
    return programs
  }

  private mutating func take(_ text: String) -> Bool {
    guard rest.starts(with: text.unicodeScalars) else { return false }
    rest.removeFirst(text.unicodeScalars.count)
    return true
  }

  private mutating func branches() -> [[Instruction]]? {
    var programs: [[Instruction]] = []
    repeat {
      guard let program = sequence() else { return nil }
      programs.append(program)
    } while take("|")
    return programs
  }

  private mutating func sequence() -> [Instruction]? {
    var program: [Instruction] = []
    while let next = rest.first, next != "|", next != ")" {
      guard let part = quantified() else { return nil }
      program += part
    }
    return program
  }

  /// One part with what says how often it occurs.
  private mutating func quantified() -> [Instruction]? {
    guard let part = atom() else { return nil }
    guard let counts = counts() else { return part }
    if case .run(let set, 1...1, _)? = part.first, part.count == 1 {
      return [.run(set, counts: counts, isPossessive: take("+"))]
    }
    let required = Array([[Instruction]](repeating: part, count: counts.lowerBound).joined())
    if counts.upperBound == .max {
      return required + [.fork(part.count + 2)] + part + [.jump(-part.count - 1)]
    }
    // Each further one goes on to the next, or to the end of all.
    return (counts.lowerBound..<counts.upperBound).reversed().reduce(into: required) { all, index in
      let left = index - counts.lowerBound + 1
      all += [.fork(left * (part.count + 1))] + part
    }
  }

  private mutating func counts() -> ClosedRange<Int>? {
    if take("?") { return 0...1 }
    if take("*") { return 0...Int.max }
    if take("+") { return 1...Int.max }
    guard take("{"), let least = number() else { return nil }
    let most = take(",") ? number() ?? .max : least
    return take("}") && least <= most ? least...most : nil
  }

  private mutating func number() -> Int? {
    var digits = ""
    while let next = rest.first, ("0"..."9").contains(next) {
      digits.unicodeScalars.append(rest.removeFirst())
    }
    return Int(digits)
  }

  private mutating func atom() -> [Instruction]? {
    if take("(?=") { return lookahead(isNegative: false) }
    if take("(?!") { return lookahead(isNegative: true) }
    if take("(?i:") {
      ignoresCase = true
      defer { ignoresCase = false }
      return group()
    }
    if take("(?:") { return group() }
    if take("(") { return rest.first == "?" ? nil : group() }
    if take("$") { return [.end] }
    if let next = rest.first, "?*+{".unicodeScalars.contains(next) { return nil }
    let set: ScalarSet?
    if take("[") {
      set = bracket()
    } else if take("\\") {
      set = escape()
    } else {
      set = ScalarSet(rest.removeFirst(), ignoringCase: ignoresCase)
    }
    return set.map { [.run($0, counts: 1...1, isPossessive: false)] }
  }

  /// A group's programs in one: each but the last jumps behind the last when it has matched.
  private mutating func group() -> [Instruction]? {
    guard let programs = branches(), take(")"), let last = programs.last else { return nil }
    return programs.dropLast().reversed().reduce(last) { following, program in
      [.fork(program.count + 2)] + program + [.jump(following.count + 1)] + following
    }
  }

  private mutating func lookahead(isNegative: Bool) -> [Instruction]? {
    group().map { [.look(isNegative: isNegative, count: $0.count)] + $0 }
  }

  // MARK: Sets

  /// What follows a backslash: a scalar, or a set of many.
  private mutating func escape() -> ScalarSet? {
    guard let scalar = rest.popFirst() else { return nil }
    switch scalar {
    case "s": return .whiteSpace
    case "S":
      var set = ScalarSet.whiteSpace
      set.negate()
      return set
    case "d": return ScalarSet(category: "Nd")
    case "p": return property()
    default: return Self.literal(scalar).map { ScalarSet($0) }
    }
  }

  /// The scalar that one stands for behind a backslash; nil where letters and digits mean something
  /// else.
  private static func literal(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
    switch scalar {
    case "r": "\r"
    case "n": "\n"
    case "t": "\t"
    case "a"..."z", "A"..."Z", "0"..."9": nil
    default: scalar
    }
  }

  /// `{L}` after `\p`.
  private mutating func property() -> ScalarSet? {
    guard take("{"), let end = rest.firstIndex(of: "}") else { return nil }
    let name = String(rest[..<end])
    rest = rest[rest.index(after: end)...]
    return name == "Han" ? .han : ScalarSet(category: name)
  }

  /// What follows the `[` of a set, to its end.
  private mutating func bracket() -> ScalarSet? {
    let isNegated = take("^")
    guard var set = members() else { return nil }
    if isNegated { set.negate() }
    return set
  }

  /// The members of a set, to its end; `&&[^…]` takes some out.
  private mutating func members() -> ScalarSet? {
    var set = ScalarSet()
    while !take("]") {
      if take("&&[^") {
        guard let others = members() else { return nil }
        set.subtract(others)
      } else if let first = scalar() {
        guard rest.first == "-", rest.dropFirst().first != "]" else {
          set.formUnion(ScalarSet(first, ignoringCase: ignoresCase))
          continue
        }
        rest.removeFirst()
        guard let last = scalar(), first <= last else { return nil }
        set.insert(first.value...last.value)
      } else {
        guard take("\\"), let member = escape() else { return nil }
        set.formUnion(member)
      }
    }
    return set
  }

  /// One scalar of a set, escaped or not; nil, with nothing taken, before a class or the end.
  private mutating func scalar() -> Unicode.Scalar? {
    guard rest.first == "\\" else { return rest.popFirst() }
    guard let next = rest.dropFirst().first, let scalar = Self.literal(next) else { return nil }
    rest.removeFirst(2)
    return scalar
  }
}
