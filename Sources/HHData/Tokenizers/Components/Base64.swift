// Bytes in base64 (RFC 4648).

/// The bytes of a base64 text; nil where it is none.
func base64Bytes(_ text: String) -> [UInt8]? {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(text.utf8.count / 4 * 3)
  var (word, count): (UInt32, Int) = (0, 0)
  for character in text.utf8.prefix(while: { $0 != UInt8(ascii: "=") }) {
    let digit: UInt8
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = character - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = character - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): digit = 62
    case UInt8(ascii: "/"): digit = 63
    default: return nil
    }
    word = word << 6 | UInt32(digit)
    count += 1
    if count == 4 {
      for shift: UInt32 in [16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
      (word, count) = (0, 0)
    }
  }
  switch count {
  case 0: break
  case 2: bytes.append(UInt8(truncatingIfNeeded: word >> 4))
  case 3:
    bytes.append(UInt8(truncatingIfNeeded: word >> 10))
    bytes.append(UInt8(truncatingIfNeeded: word >> 2))
  default: return nil
  }
  return bytes
}

/// Bytes as base64.
package func base64Text(_ bytes: [UInt8]) -> String {
  let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var text: [UInt8] = []
  text.reserveCapacity((bytes.count + 2) / 3 * 4)
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let part = bytes[start..<min(start + 3, bytes.count)]
    let word = part.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - part.count))
    for index in 0..<4 {
      let digit = digits[Int(word >> UInt32(18 - 6 * index) & 63)]
      text.append(index <= part.count ? digit : UInt8(ascii: "="))
    }
  }
  return String(decoding: text, as: UTF8.self)
}
