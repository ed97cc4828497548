// What limits on a process's memory leave it.

internal import Glibc
internal import HHKernels

/// The address space of this process under the limits of `ulimit -v` and `ulimit -d`.
package enum AddressSpace {
  /// Bytes that one computing thread takes: a buffer of OpenBLAS, an arena and a stack.
  package static let perThread = 208 << 20
  /// Bytes that a small model takes beside that.
  package static let least = 128 << 20

  /// Bytes that are left; nil without a limit.
  package static var left: Int? {
    let pages = usedPages
    return [(RLIMIT_AS, 0), (RLIMIT_DATA, 5)].compactMap { resource, field -> Int? in
      var limit = rlimit()
      // Safe: the limit outlives the call.
      guard unsafe getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0,
        limit.rlim_cur < UInt(Int.max), pages.count > field
      else { return nil }
      return max(0, Int(limit.rlim_cur) - pages[field] * sysconf(Int32(_SC_PAGESIZE)))
    }.min()
  }

  /// How many threads there is room for; nil without a limit.
  static var threads: Int? { left.map { max(1, ($0 - least) / perThread) } }

  /// Whether one thread can compute.
  package static var suffices: Bool { left.map { $0 >= least + perThread } ?? true }

  /// The numbers of `/proc/self/statm`: all pages, …, those of data and stack as the sixth.
  private static var usedPages: [Int] {
    (systemFile("/proc/self/statm") ?? "").split(whereSeparator: \.isWhitespace)
      .map { Int($0) ?? 0 }
  }
}
