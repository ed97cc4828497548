// One pattern that a text is cut by, and the machine that finds its matches.

/// A regular expression of the kind that tokenizers cut text with, as their files write it.
///
/// The texts are our own (`GGUFPreTokenizer`): a stranger's could take time without bounds.
package struct SplitPattern: Sendable, Equatable {
  /// The expression.
  package let text: String
  private let alternatives: [Alternative]
  private let digitGroups: DigitGroups?

  /// A step of the machine; jumps count instructions from this one.
  enum Instruction: Sendable {
    /// So many scalars of a set, as many as there are; gives some back unless it is possessive.
    case run(ScalarSet, counts: ClosedRange<Int>, isPossessive: Bool)
    /// What follows, and if that fails what is so far away.
    case fork(Int)
    /// Goes on so far away.
    case jump(Int)
    /// The next so many instructions must match here, or must not; they take no text.
    case look(isNegative: Bool, count: Int)
    /// The end of the text.
    case end
  }

  /// One of the ways to match, tried in turn.
  private struct Alternative: Sendable {
    let program: [Instruction]
    /// For each byte whether a match may begin with it.
    let firstBytes: [Bool]
  }

  /// The pattern of a text; nil where it has something that the machine does not know.
  package init?(_ text: String) {
    self.text = text
    digitGroups = DigitGroups(text)
    if digitGroups != nil {
      alternatives = []
      return
    }
    var parser = SplitPatternParser(text)
    guard let programs = parser.alternatives() else { return nil }
    alternatives = programs.map { Alternative(program: $0, firstBytes: Self.firstBytes(of: $0)) }
  }

  package static func == (left: Self, right: Self) -> Bool { left.text == right.text }

  /// Which bytes the text of a match may begin with.
  private static func firstBytes(of program: [Instruction]) -> [Bool] {
    var bytes = [Bool](repeating: false, count: 256)
    for instruction in program {
      guard case .run(let set, let counts, _) = instruction else { break }
      for byte in UInt8.min...UInt8.max where byte >= 128 || set.containsASCII(byte) {
        bytes[Int(byte)] = true
      }
      if counts.lowerBound > 0 { return bytes }
    }
    return [Bool](repeating: true, count: 256)
  }

  /// Calls `body` with the byte ranges of the matches in `text[range]` and of what lies between
  /// them, in order, and whether each is a match.
  func forEachPart(of text: [UInt8], in range: Range<Int>, _ body: (Range<Int>, Bool) -> Void) {
    if let digitGroups { return digitGroups.forEachPart(of: text, in: range, body) }
    var matcher = Matcher(text: text, end: range.upperBound)
    var start = range.lowerBound
    var offset = start
    while offset < range.upperBound {
      guard let end = matchEnd(from: offset, &matcher), end > offset else {
        offset += text.scalar(at: offset).length
        continue
      }
      if start < offset { body(start..<offset, false) }
      body(offset..<end, true)
      (start, offset) = (end, end)
    }
    if start < range.upperBound { body(start..<range.upperBound, false) }
  }

  private func matchEnd(from offset: Int, _ matcher: inout Matcher) -> Int? {
    let first = Int(matcher.text[offset])
    for index in alternatives.indices where alternatives[index].firstBytes[first] {
      if let end = matcher.match(alternatives[index].program, from: 0, at: offset) { return end }
    }
    return nil
  }
}

/// Runs programs over a text, going back to the last choice where one fails.
private struct Matcher {
  let text: [UInt8]
  let end: Int
  private var choices: [Choice] = []

  /// Where to go on when what follows a choice fails.
  private struct Choice {
    var instruction: Int
    var offset: Int
    /// How far a run can give back; nil for a fork, which goes on where it was.
    var floor: Int?
  }

  init(text: [UInt8], end: Int) {
    (self.text, self.end) = (text, end)
  }

  /// Where the match of a program ends, or of its instructions up to `stop`.
  mutating func match(
    _ program: [SplitPattern.Instruction], from first: Int, to stop: Int? = nil, at start: Int
  ) -> Int? {
    let base = choices.count
    let stop = stop ?? program.count
    var (instruction, offset) = (first, start)
    while instruction < stop {
      var isMatch = true
      switch program[instruction] {
      case .run(let set, let counts, let isPossessive):
        let taken = run(of: set, counts, from: offset)
        isMatch = taken.count >= counts.lowerBound
        if isMatch {
          if !isPossessive, taken.count > counts.lowerBound, instruction + 1 < stop {
            choices.append(
              Choice(instruction: instruction + 1, offset: taken.end, floor: taken.floor))
          }
          (instruction, offset) = (instruction + 1, taken.end)
        }
      case .fork(let distance):
        choices.append(Choice(instruction: instruction + distance, offset: offset, floor: nil))
        instruction += 1
      case .jump(let distance): instruction += distance
      case .look(let isNegative, let count):
        let next = instruction + 1 + count
        let found = match(program, from: instruction + 1, to: next, at: offset) != nil
        isMatch = found != isNegative
        if isMatch { instruction = next }
      case .end:
        isMatch = offset == end
        instruction += 1
      }
      guard !isMatch else { continue }
      guard choices.count > base, let choice = goBack() else { return nil }
      (instruction, offset) = choice
    }
    choices.removeSubrange(base...)
    return offset
  }

  private mutating func goBack() -> (instruction: Int, offset: Int)? {
    guard var choice = choices.popLast() else { return nil }
    guard let floor = choice.floor else { return (choice.instruction, choice.offset) }
    repeat { choice.offset -= 1 } while text[choice.offset] & 0xC0 == 0x80
    if choice.offset > floor { choices.append(choice) }
    return (choice.instruction, choice.offset)
  }

  /// The scalars of a set from an offset: how many, where they end, and where the fewest end.
  private func run(
    of set: ScalarSet, _ counts: ClosedRange<Int>, from start: Int
  ) -> (count: Int, end: Int, floor: Int) {
    var (offset, count, floor) = (start, 0, start)
    while count < counts.upperBound, offset < end {
      let byte = text[offset]
      if byte < 0x80 {
        guard set.containsASCII(byte) else { break }
        offset += 1
      } else {
        let (scalar, length) = text.scalar(at: offset)
        guard set.contains(scalar) else { break }
        offset += length
      }
      count += 1
      if count == counts.lowerBound { floor = offset }
    }
    return (count, offset, floor)
  }
}
