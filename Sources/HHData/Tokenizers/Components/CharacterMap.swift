// SentencePiece's precompiled map of characters: what nmt_nfkc and its kin replace, and with what.
//
// The map is a number of bytes (32 bits, little-endian), a trie of that size, and the replacements,
// each with a zero behind it. The trie is a double array (Darts-clone) of 32-bit units: bit 31 says
// that the unit is a value, bits 0 to 7 are its label, bit 8 says that it has a value, bits 10 and up
// are the offset of its children, 256-fold where bit 9 is set.

/// A map from short texts to their replacements.
struct CharacterMap: Sendable {
  /// How a text is looked up.
  enum Manner: Sendable {
    /// The longest entry at each place, as SentencePiece does.
    case longest
    /// The shortest entry that a user's character begins with stands for all of it, else that of
    /// each scalar, as Hugging Face's tokenizers do.
    case character
  }

  private let units: [UInt32]
  private let replacements: [UInt8]
  private let manner: Manner

  /// Reads a map; nil where it is cut short.
  init?(_ bytes: [UInt8], _ manner: Manner) {
    func word(_ offset: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }
    guard bytes.count > 8 else { return nil }
    let size = Int(word(0))
    guard size >= 4, size.isMultiple(of: 4), size <= bytes.count - 4 else { return nil }
    units = stride(from: 4, to: 4 + size, by: 4).map(word)
    replacements = Array(bytes[(4 + size)...])
    self.manner = manner
  }

  /// The text with everything replaced.
  func callAsFunction(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    switch manner {
    case .longest:
      var offset = 0
      while offset < text.count {
        let end: Int
        if let match = matches(text[offset...]).last, match.length > 0 {
          append(match.value, to: &result)
          end = offset + match.length
        } else {
          end = offset + text.scalar(at: offset).length
          result += text[offset..<end]
        }
        offset = end
      }
    case .character:
      for character in String(decoding: text, as: UTF8.self) {
        let bytes = Array(String(character).utf8)
        if bytes.count < 6, let match = matches(bytes[...]).first {
          append(match.value, to: &result)
          continue
        }
        for scalar in character.unicodeScalars {
          let bytes = Array(String(scalar).utf8)
          if let match = matches(bytes[...]).first {
            append(match.value, to: &result)
          } else {
            result += bytes
          }
        }
      }
    }
    return result
  }

  private func append(_ value: Int, to result: inout [UInt8]) {
    guard replacements.indices.contains(value) else { return }
    result += replacements[value...].prefix { $0 != 0 }
  }

  /// The entries that a text begins with, the shortest first.
  private func matches(_ text: ArraySlice<UInt8>) -> [(length: Int, value: Int)] {
    var found: [(length: Int, value: Int)] = []
    var position = Self.offset(units[0])
    for (index, byte) in text.enumerated() {
      guard byte != 0 else { break }
      position ^= Int(byte)
      guard position < units.count else { break }
      let unit = units[position]
      guard unit & 0x8000_00FF == UInt32(byte) else { break }
      position ^= Self.offset(unit)
      guard unit >> 8 & 1 == 1 else { continue }
      guard position < units.count else { break }
      found.append((index + 1, Int(units[position] & 0x7FFF_FFFF)))
    }
    return found
  }

  private static func offset(_ unit: UInt32) -> Int {
    Int(unit >> 10) << Int((unit & 1 << 9) >> 6)
  }
}
