// OpenBLAS, opened when the first product is asked for.

internal import Glibc

/// The installed OpenBLAS.
///
/// It is not linked: while it is loaded it starts threads of its own and chooses its kernels, and the
/// program has to say before that what it wants, and to look whether there is room for any.
@safe
package struct OpenBLAS: Sendable {
  /// `cblas_sgemm`: order, transpositions, extents m, n and k, alpha, a and b with their strides, beta,
  /// c with its stride.
  typealias Product =
    @convention(c) @Sendable (
      CInt, CInt, CInt, CInt, CInt, CInt, Float, UnsafePointer<Float>?, CInt,
      UnsafePointer<Float>?, CInt, Float, UnsafeMutablePointer<Float>?, CInt
    ) -> Void
  private typealias Text = @convention(c) @Sendable () -> UnsafePointer<CChar>?
  private typealias Number = @convention(c) @Sendable () -> CInt
  private typealias SetNumber = @convention(c) @Sendable (CInt) -> Void

  /// The values of `cblas.h` that products are called with.
  static let (rowMajor, plain, transposed): (CInt, CInt, CInt) = (101, 111, 112)

  /// The names that a library may have.
  private static let names = ["libopenblas.so.0", "libopenblas.so"]

  /// The library; nil where none is installed.
  package static let installed = opened(names)

  /// The library. Without it the program stops: nothing can be computed.
  static var shared: OpenBLAS {
    guard let installed else {
      preconditionFailure("OpenBLAS is not installed: expected \(names.joined(separator: " or "))")
    }
    return installed
  }

  /// The matrix product in float32.
  let product: Product
  /// Version, processor and threading.
  let configuration: String
  /// The core whose kernels compute.
  let core: String
  /// 0 for a build without threads, 1 for one with its own, 2 for OpenMP.
  let parallelism: CInt

  /// Opens the first of some libraries that has every function.
  static func opened(_ names: [String]) -> OpenBLAS? {
    for name in names {
      // Safe: a library that nothing unloads. An address has no type, so a cast is the only way to
      // call it: the functions have had these types in every version.
      guard let library = unsafe dlopen(name, RTLD_NOW | RTLD_LOCAL),
        let product = unsafe dlsym(library, "cblas_sgemm"),
        let configuration = unsafe dlsym(library, "openblas_get_config"),
        let core = unsafe dlsym(library, "openblas_get_corename"),
        let parallelism = unsafe dlsym(library, "openblas_get_parallel"),
        let setThreads = unsafe dlsym(library, "openblas_set_num_threads")
      else { continue }
      // Its threads would fight `parallelFor`'s for the processors, and wait by spinning.
      unsafe unsafeBitCast(setThreads, to: SetNumber.self)(1)
      return unsafe OpenBLAS(
        product: unsafeBitCast(product, to: Product.self),
        configuration: text(unsafeBitCast(configuration, to: Text.self)) ?? "OpenBLAS",
        core: text(unsafeBitCast(core, to: Text.self)) ?? "unknown",
        parallelism: unsafeBitCast(parallelism, to: Number.self)())
    }
    return nil
  }

  private static func text(_ function: Text) -> String? {
    // Safe: the function returns a constant, null-terminated string.
    unsafe function().map { unsafe String(cString: $0) }
  }
}

extension ThreadPolicy {
  /// OpenBLAS's version, processor and threading, for version reports.
  package static var backend: String {
    let library = OpenBLAS.shared
    let threading =
      switch library.parallelism {
      case 0: "sequential"
      case 1: "pthreads"
      default: "OpenMP"
      }
    return "\(library.configuration) (\(threading))"
  }
}
