// Unicode normalisation forms. The standard library keeps its own to itself, and the small
// Foundation lacks them, so this one file takes the full Foundation.

internal import Foundation

/// Unicode's normalisation forms, named as in tokenizer.json.
enum NormalizationForm: String, Sendable {
  case nfc = "NFC"
  case nfd = "NFD"
  case nfkc = "NFKC"
  case nfkd = "NFKD"

  /// A UTF-8 text in this form.
  func callAsFunction(_ text: [UInt8]) -> [UInt8] {
    guard text.contains(where: { $0 >= 0x80 }) else { return text }
    let string = String(decoding: text, as: UTF8.self)
    let result =
      switch self {
      case .nfc: string.precomposedStringWithCanonicalMapping
      case .nfd: string.decomposedStringWithCanonicalMapping
      case .nfkc: string.precomposedStringWithCompatibilityMapping
      case .nfkd: string.decomposedStringWithCompatibilityMapping
      }
    return Array(result.utf8)
  }
}

/// A UTF-8 text in normalisation form C.
func canonicallyComposed(_ text: [UInt8]) -> [UInt8] { NormalizationForm.nfc(text) }

/// The scalars that a scalar decomposes into (form D).
func canonicalDecomposition(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
  switch scalar.value {
  // No unified ideograph decomposes, and most of what is not Latin is one.
  case 0..<0xC0, 0x3400..<0xA000: [scalar]
  default: Array(String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars)
  }
}
