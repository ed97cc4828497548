// Calls of Linux that Swift does not see, and files in which Linux tells of itself.

internal import CHHKernels
internal import Glibc

/// Lets two paths change names, at one moment; gives the system's error number, or 0.
package func exchangeNames(_ a: String, _ b: String) -> Int32 {
  // Safe: Swift lends the paths as terminated texts during the call.
  unsafe hh_exchange_names(a, b)
}

/// Asks the system to send this process a signal when the thread that started it ends, however that
/// comes; gives the system's error number, or 0.
package func endWithParent(by signal: Int32) -> Int32 { hh_end_with_parent(signal) }

/// What a file such as `/proc/self/statm` says, at most 64 KiB of it; nil where there is none. Its size
/// is not known before it is read.
package func systemFile(_ path: String) -> String? {
  // Safe: Swift lends the path during the call, and read fills at most the array.
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 1 << 16)
  let count = unsafe bytes.withUnsafeMutableBytes {
    unsafe read(descriptor, $0.baseAddress, $0.count)
  }
  return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
}
