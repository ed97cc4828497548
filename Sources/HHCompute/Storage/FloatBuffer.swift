// A fixed block of floats, shared by reference.

internal import Glibc

/// A fixed number of 32-bit floats at an address aligned to 64 bytes.
///
/// The buffer is shared by reference and may be used from several threads at once, on one condition
/// that nothing checks: **no element is written while another thread reads or writes it.** Code
/// that divides work gives every thread its own range.
@safe
package final class FloatBuffer: @unchecked Sendable {
  /// Number of elements.
  package let count: Int
  private let elements: UnsafeMutableBufferPointer<Float>
  private let mappedByteCount: Int
  private let isFile: Bool

  /// From this size on a buffer is mapped, so that its memory goes back to the system at once.
  private static let mappingThreshold = 1 << 20
  /// From this size on the kernel is asked for huge pages.
  private static let hugePageThreshold = 8 << 20

  /// Creates a buffer of `count` zeros. Running out of memory ends the process.
  package init(count: Int) {
    precondition(count >= 0, "a buffer cannot have a negative size")
    let (byteCount, overflow) = max(count, 1).multipliedReportingOverflow(
      by: MemoryLayout<Float>.stride)
    precondition(!overflow, "the buffer's size exceeds the address space")
    self.count = count
    isFile = false
    let address: UnsafeMutableRawPointer?
    if byteCount >= Self.mappingThreshold {
      mappedByteCount = byteCount
      // Safe: a new private mapping; the system fills it with zeros.
      let mapping = unsafe mmap(
        nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      unsafe address = mapping == MAP_FAILED ? nil : mapping
      if byteCount >= Self.hugePageThreshold, let address = unsafe address {
        // Advice only: without huge pages the buffer works as well, a little slower.
        _ = unsafe madvise(address, byteCount, MADV_HUGEPAGE)
      }
    } else {
      mappedByteCount = 0
      // aligned_alloc wants a size that is a multiple of the alignment.
      let rounded = (byteCount + 63) & ~63
      // Safe: `rounded` bytes are allocated and then cleared.
      unsafe address = aligned_alloc(64, rounded)
      if let address = unsafe address { unsafe memset(address, 0, rounded) }
    }
    guard let address = unsafe address else { endForWantOfMemory(byteCount: byteCount) }
    // Safe: the block holds `count` floats, all zero, and is freed in deinit only.
    unsafe elements = UnsafeMutableBufferPointer(
      start: address.bindMemory(to: Float.self, capacity: count), count: count)
  }

  /// Creates a buffer that holds `values`.
  package convenience init(_ values: [Float]) {
    self.init(count: values.count)
    // Safe: both sides have `values.count` elements and the buffer is new.
    _ = unsafe elements.update(fromContentsOf: values)
  }

  /// Maps the first `count` floats, at least one, of an open file, which is at least as long; what is
  /// written goes to the file. Nil where the system refuses.
  package init?(count: Int, mapping descriptor: Int32) {
    precondition(count > 0, "a mapping has a size")
    let (byteCount, overflow) = count.multipliedReportingOverflow(
      by: MemoryLayout<Float>.stride)
    precondition(!overflow, "the buffer's size exceeds the address space")
    // Safe: a new mapping of a file that the caller vouches for.
    let mapping = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard unsafe mapping != MAP_FAILED, let address = unsafe mapping else { return nil }
    self.count = count
    isFile = true
    mappedByteCount = byteCount
    // Safe: the mapping holds `count` floats and is unmapped in deinit only.
    unsafe elements = UnsafeMutableBufferPointer(
      start: address.bindMemory(to: Float.self, capacity: count), count: count)
  }

  /// Takes the whole pages of a range out of memory until they are used again, if the buffer is a
  /// file's; otherwise does nothing. The elements keep their values.
  package func evict(_ range: Range<Int>) {
    precondition(0 <= range.lowerBound && range.upperBound <= count, "range outside the buffer")
    guard isFile else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let start = (range.lowerBound * 4 + page - 1) / page * page
    // The file's last page is this buffer's alone.
    let end = range.upperBound == count ? mappedByteCount : range.upperBound * 4 / page * page
    guard start < end, let base = unsafe elements.baseAddress else { return }
    // Safe: the pages lie inside the mapping, whose content the file keeps; a refusal costs memory
    // only.
    _ = unsafe madvise(UnsafeMutableRawPointer(base) + start, end - start, MADV_DONTNEED)
  }

  deinit {
    // Safe: the block came from mmap or aligned_alloc in an initialiser, and nobody refers to it any more.
    guard let base = unsafe elements.baseAddress else { return }
    if mappedByteCount > 0 {
      unsafe munmap(base, mappedByteCount)
    } else {
      unsafe free(base)
    }
  }

  /// The elements, for reading.
  package var span: Span<Float> {
    @_lifetime(borrow self)
    get {
      // Safe: the elements live as long as self, on which the result depends.
      let span = unsafe elements.span
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The elements, for writing; see the type's condition on concurrent use.
  package var mutableSpan: MutableSpan<Float> {
    @_lifetime(borrow self)
    get {
      // Safe: as for `span`; exclusive use is the type's documented condition.
      let span = unsafe elements.mutableSpan
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The elements of `range`, for reading.
  @_lifetime(borrow self)
  package func span(_ range: Range<Int>) -> Span<Float> {
    precondition(0 <= range.lowerBound && range.upperBound <= count, "range outside the buffer")
    // Safe: the range was checked and the elements live as long as self.
    let span = unsafe UnsafeBufferPointer(rebasing: elements[range]).span
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// The elements of `range`, for writing; see the type's condition on concurrent use.
  @_lifetime(borrow self)
  package func mutableSpan(_ range: Range<Int>) -> MutableSpan<Float> {
    precondition(0 <= range.lowerBound && range.upperBound <= count, "range outside the buffer")
    // Safe: the range was checked and the elements live as long as self.
    let span = unsafe UnsafeMutableBufferPointer(rebasing: elements[range]).mutableSpan
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// A copy of the elements.
  package var values: [Float] {
    // Safe: the array copies what the buffer holds.
    unsafe Array(elements)
  }
}
