// SHA-256 of bytes and files, by libcrypto.

internal import CCrypto
internal import Glibc

/// A running SHA-256, the digest that artifacts and provenance use everywhere.
///
///     var digest = ContentDigest()
///     digest.update(bytes)
///     let text = digest.finalize()  // 64 lower-case hexadecimal digits
@safe
package struct ContentDigest: ~Copyable {
  /// Length of a SHA-256 in bytes.
  package static let byteCount = 32
  /// What has the length of a digest in hexadecimal and is the digest of nothing known.
  static let zeros = String(repeating: "0", count: 2 * byteCount)

  private let context: OpaquePointer

  /// Starts a digest.
  package init() {
    // Safe: the context is owned by this value alone and freed in deinit.
    guard let context = unsafe EVP_MD_CTX_new(),
      unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
    else { preconditionFailure("libcrypto cannot start a SHA-256") }
    unsafe self.context = context
  }

  deinit {
    // Safe: nothing else holds the context.
    unsafe EVP_MD_CTX_free(context)
  }

  /// Adds bytes.
  package mutating func update(_ bytes: RawSpan) {
    // Safe: the buffer is only read, and only during the call.
    unsafe bytes.withUnsafeBytes {
      let status = unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count)
      precondition(status == 1, "libcrypto failed a SHA-256")
    }
  }

  /// The digest of everything added, as 32 bytes.
  package consuming func finalizeBytes() -> [UInt8] {
    // Safe: a SHA-256 fills exactly the 32 bytes reserved.
    unsafe [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
      let status = unsafe EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
      precondition(status == 1, "libcrypto failed a SHA-256")
      count = Self.byteCount
    }
  }

  /// The digest of everything added, as 64 lower-case hexadecimal digits.
  package consuming func finalize() -> String { hexadecimal(finalizeBytes()) }

  /// The SHA-256 of some bytes, in hexadecimal.
  package static func of(_ bytes: RawSpan) -> String {
    var digest = ContentDigest()
    digest.update(bytes)
    return digest.finalize()
  }

  /// The SHA-256 of an array of bytes, in hexadecimal.
  package static func of(_ bytes: [UInt8]) -> String { of(bytes.raw) }

  /// The SHA-256 of a whole file, in hexadecimal, and its size in bytes.
  ///
  /// Reads through a fixed buffer, so the file may be larger than memory. Throws `.missingInput`
  /// where the file cannot be opened and `.io` where a read fails.
  package static func ofFile(at path: String) throws(FormatError) -> (sha256: String, bytes: Int) {
    // Safe: Swift lends the path as a terminated text during the call.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw FormatError(
        .missingInput, file: path, problem: "cannot be opened: \(systemMessage(errno))")
    }
    defer { close(descriptor) }
    var digest = ContentDigest()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var total = 0
    while true {
      // Safe: read fills at most the buffer it is given.
      let count = unsafe buffer.withUnsafeMutableBytes { buffer in
        unsafe read(descriptor, buffer.baseAddress, buffer.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else {
        throw FormatError(.io, file: path, problem: "cannot be read: \(systemMessage(errno))")
      }
      if count == 0 { return (digest.finalize(), total) }
      digest.update(buffer.raw.extracting(0..<count))
      total += count
    }
  }
}

/// Lower-case hexadecimal digits of some bytes.
func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".unicodeScalars)
  var text = ""
  for byte in bytes {
    text.unicodeScalars.append(digits[Int(byte >> 4)])
    text.unicodeScalars.append(digits[Int(byte & 15)])
  }
  return text
}
