// Steps that change a text before it is cut, as tokenizer.json lists them.

/// One normaliser.
enum NormalizerStep: Sendable {
  case bert(BertNormalization)
  case form(NormalizationForm)
  case lowercase
  /// Drops combining marks.
  case stripAccents
  /// Drops white space at the ends.
  case strip(left: Bool, right: Bool)
  case replace(TextPattern, with: [UInt8])
  /// Puts a text before one that is not empty.
  case prepend([UInt8])
  /// Drops control characters, and makes every kind of white space a space.
  case controls
  /// Makes runs of spaces one, and drops those at the ends.
  case extraSpaces
  /// Spells every byte as a printable character.
  case bytes
  case characters(CharacterMap)

  /// The changed text.
  func callAsFunction(_ text: [UInt8]) -> [UInt8] {
    switch self {
    case .bert(let normalization): normalization(text)
    case .form(let form): form(text)
    case .lowercase:
      text.flatMapScalars { scalar, result in
        for lower in scalar.properties.lowercaseMapping.unicodeScalars { result.append(lower) }
      }
    case .stripAccents:
      text.flatMapScalars { scalar, result in
        if !scalar.isCombiningMark { result.append(scalar) }
      }
    case .strip(let left, let right): Self.stripped(text, left: left, right: right)
    case .replace(let pattern, let content): Self.replaced(text, pattern, content)
    case .prepend(let prefix): text.isEmpty ? text : prefix + text
    case .controls:
      text.flatMapScalars { scalar, result in
        if let kept = scalar.withoutControl { result.append(kept) }
      }
    case .extraSpaces: Self.withoutExtraSpaces(text)
    case .bytes: text.spelledBytes
    case .characters(let map): map(text)
    }
  }

  private static func stripped(_ text: [UInt8], left: Bool, right: Bool) -> [UInt8] {
    var (start, end) = (0, text.count)
    while left, start < end {
      let (scalar, length) = text.scalar(at: start)
      guard scalar.properties.isWhitespace else { break }
      start += length
    }
    while right, end > start, let scalar = text.scalar(before: end),
      scalar.properties.isWhitespace
    {
      end -= Unicode.UTF8.width(scalar)
    }
    return Array(text[start..<end])
  }

  private static func withoutExtraSpaces(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for byte in text where byte != 0x20 || (result.last ?? 0x20) != 0x20 { result.append(byte) }
    if result.last == 0x20 { result.removeLast() }
    return result
  }

  private static func replaced(
    _ text: [UInt8], _ pattern: TextPattern, _ content: [UInt8]
  ) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    pattern.forEachPart(of: text, in: text.indices) { range, isMatch in
      if isMatch { result += content } else { result += text[range] }
    }
    return result
  }
}

extension [UInt8] {
  /// What `change` makes of each scalar, one behind the other.
  func flatMapScalars(_ change: (Unicode.Scalar, inout [UInt8]) -> Void) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(count)
    var offset = 0
    while offset < count {
      let (scalar, length) = scalar(at: offset)
      change(scalar, &result)
      offset += length
    }
    return result
  }

  /// The bytes as the printable characters of byte-level tokenizers.
  var spelledBytes: [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(count * 3 / 2)
    for byte in self { result.append(ByteAlphabet.scalars[Int(byte)]) }
    return result
  }
}

extension Unicode.Scalar {
  /// General category M of Unicode 9, whose tables Hugging Face's tokenizers have.
  fileprivate var isCombiningMark: Bool {
    // Two marks that became letters, and a sign that became a mark.
    switch value {
    case 0x1CF2, 0x1CF3: return true
    case 0x111C9: return false
    default: break
    }
    guard let age = properties.age, age.major <= 9 else { return false }
    return switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: true
    default: false
    }
  }

  /// The scalar as SentencePiece's `nmt` rules have it: nil for a control character, a space for
  /// white space and for marks without width.
  fileprivate var withoutControl: Unicode.Scalar? {
    switch value {
    case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: nil
    case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
      " "
    default: self
    }
  }
}
