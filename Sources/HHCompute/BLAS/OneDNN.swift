// Products of bfloat16 matrices by oneDNN, where it is installed and the processor has the units.

internal import Glibc
internal import HHKernels

/// oneDNN, which is loaded when a product asks for it, and without which everything works.
// Safe: the functions come from a library that stays loaded, and `opened` has tried them.
@safe
package struct OneDNN: Sendable {
  /// Its product of row-major matrices: transpositions, extents m, n and k, alpha, a and b with their
  /// strides, beta, c with its stride. Gives 0 where it has done it.
  private typealias Product =
    @convention(c) @Sendable (
      CChar, CChar, Int64, Int64, Int64, Float, UnsafePointer<UInt16>?, Int64,
      UnsafePointer<UInt16>?, Int64, Float, UnsafeMutablePointer<Float>?, Int64
    ) -> CInt
  /// Sets how many threads the calling thread's next products may use.
  private typealias SetThreads = @convention(c) @Sendable (CInt) -> Void

  /// Why there is none to compute with.
  package enum Absence: Error, Equatable, CustomStringConvertible {
    /// No library has the functions.
    case notInstalled
    /// The processor has no units, or none that the library knows. With AVX-512 but without units
    /// it would multiply as well, but slower than float32.
    case noUnits
    /// The library's product is another than ours.
    case wrongResult

    /// The reason, as part of a sentence.
    package var description: String {
      switch self {
      case .notInstalled: "oneDNN (libdnnl) is not installed"
      case .noUnits: "this processor has no units for bfloat16 that oneDNN uses"
      case .wrongResult: "the installed oneDNN does not multiply bfloat16 as expected"
      }
    }
  }

  /// The installed library, opened and tried when first asked for.
  static let shared = opened(["libdnnl.so.3", "libdnnl.so.2"])

  private let product: Product
  private let setThreads: SetThreads

  /// Opens the first of the libraries that is installed and has it multiply matrices whose product is
  /// known: a library or processor that is not as expected is not used.
  package static func opened(_ names: [String]) -> Result<OneDNN, Absence> {
    for name in names {
      // Safe: a library that nothing unloads. An address has no type, so a cast is the only way to
      // call it: the functions have these types in versions 2 and 3, whose names `shared` asks for.
      // The product is exported without being in the public header, hence the trial.
      guard let library = unsafe dlopen(name, RTLD_NOW | RTLD_LOCAL),
        let product = unsafe dlsym(library, "dnnl_gemm_bf16bf16f32"),
        let setThreads = unsafe dlsym(library, "omp_set_num_threads")
      else { continue }
      let opened = unsafe OneDNN(
        product: unsafeBitCast(product, to: Product.self),
        setThreads: unsafeBitCast(setThreads, to: SetThreads.self))
      return opened.absence.map(Result.failure) ?? .success(opened)
    }
    return .failure(.notInstalled)
  }

  /// What comes of small integers, which bfloat16 holds exactly; nil where all is well.
  private var absence: Absence? {
    guard hasBFloat16Units else { return .noUnits }
    let (m, n, k) = (19, 35, 21)
    func integers(_ rows: Int, _ columns: Int, _ step: Int) -> Matrix {
      Matrix(rows: rows, columns: columns, (0..<rows * columns).map { Float($0 * step % 13 - 6) })
    }
    func rounded(_ matrix: Matrix) -> HalfMatrix {
      HalfMatrix(
        rounding: matrix, in: FloatBuffer(count: HalfMatrix.floats(for: matrix)))
    }
    let (a, b, c) = (integers(m, k, 5), integers(n, k, 7), Matrix(rows: m, columns: n))
    let isDone = multiply(
      rounded(a), false, rows: 0..<m, rounded(b), true, columns: 0..<n, into: c, 1, 0)
    guard isDone else { return .noUnits }
    let expected = Matrix(rows: m, columns: n)
    HHCompute.product(a, false, b, true, into: expected, 1, 0)
    return c.values == expected.values ? nil : .wrongResult
  }

  /// c = alpha · (rows of op(a)) · (columns of op(b)) + beta · c on the calling thread, of matrices of
  /// bfloat16, where op transposes if told so; false where this processor cannot.
  @inline(never)
  func multiply(
    _ a: HalfMatrix, _ aTransposed: Bool, rows: Range<Int>, _ b: HalfMatrix, _ bTransposed: Bool,
    columns: Range<Int>, into c: Matrix, _ alpha: Float, _ beta: Float
  ) -> Bool {
    let depth = aTransposed ? a.rows : a.columns
    precondition(
      a.format == .bfloat16 && b.format == .bfloat16
        && depth == (bTransposed ? b.columns : b.rows) && c.rows == rows.count
        && c.columns == columns.count && rows.upperBound <= (aTransposed ? a.columns : a.rows)
        && columns.upperBound <= (bTransposed ? b.rows : b.columns), "multiply: extents")
    setThreads(1)
    let aStart = rows.lowerBound * (aTransposed ? 1 : a.columns)
    let bStart = columns.lowerBound * (bTransposed ? b.columns : 1)
    let (aBits, bBits) = (a.bits, b.bits)
    var target = c.mutableSpan
    // Safe: the lines above checked that rows and columns lie inside the factors, whose elements lie
    // two to a float, and that the result has their extents.
    let status = unsafe aBits.span.withUnsafeBytes { aBits in
      unsafe bBits.span.withUnsafeBytes { bBits in
        unsafe target.withUnsafeMutableBufferPointer { result in
          unsafe product(
            Self.letter(aTransposed), Self.letter(bTransposed), Int64(rows.count),
            Int64(columns.count), Int64(depth), alpha,
            Self.element(aStart, of: aBits), Int64(a.columns),
            Self.element(bStart, of: bBits), Int64(b.columns), beta, result.baseAddress,
            Int64(c.stride))
        }
      }
    }
    return status == 0
  }

  /// The address of an element of two bytes, inside the buffer.
  private static func element(
    _ index: Int, of bytes: UnsafeRawBufferPointer
  ) -> UnsafePointer<UInt16>? {
    // Safe: the range is checked, and the elements are only read.
    unsafe UnsafeRawBufferPointer(rebasing: bytes[(2 * index)...]).baseAddress?
      .assumingMemoryBound(to: UInt16.self)
  }

  private static func letter(_ transposed: Bool) -> CChar {
    CChar(UInt8(ascii: transposed ? "T" : "N"))
  }
}
