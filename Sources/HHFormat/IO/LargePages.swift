// Asking the system for large pages.

internal import Glibc

/// Asks for large pages behind memory that is about to be filled: a page at a time, the system takes
/// longer to find and clear memory than a tensor takes to decompress. A request that is not met
/// changes nothing but the speed.
@unsafe
func useLargePages(_ buffer: UnsafeRawBufferPointer) {
  let size = 1 << 21
  let start = (UInt(bitPattern: buffer.baseAddress) + UInt(size - 1)) / UInt(size) * UInt(size)
  let end = (UInt(bitPattern: buffer.baseAddress) + UInt(buffer.count)) / UInt(size) * UInt(size)
  guard start < end else { return }
  // Safe: the range lies in the buffer, and advice does not change what it holds.
  _ = unsafe madvise(
    UnsafeMutableRawPointer(bitPattern: start), Int(end - start), MADV_HUGEPAGE)
}
