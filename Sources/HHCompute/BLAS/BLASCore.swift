// The kernels that OpenBLAS computes with, and those that it should.

package import HHKernels

/// A core of OpenBLAS: a family of processors that it has kernels for.
///
/// OpenBLAS takes a processor that is newer than itself for an old one: version 0.3.21 runs the
/// kernels of a Prescott, without AVX, on a Xeon of 2023. It reads its choice from the environment
/// when it is loaded, so that changing it takes a new process.
package enum BLASCore {
  /// The environment variable that names the core.
  package static let variable = "OPENBLAS_CORETYPE"

  /// The core in use, such as `Haswell`.
  package static var current: String { OpenBLAS.shared.core }

  /// The x86-64 level that a core's kernels need, by its name in lower case.
  private static let levels: [String: Int] = [
    "prescott": 1, "core2": 1, "penryn": 1, "dunnington": 1, "atom": 1, "nano": 1, "opteron": 1,
    "opteron_sse3": 1, "barcelona": 1, "bobcat": 1, "nehalem": 2, "sandybridge": 2,
    "bulldozer": 2, "piledriver": 2, "steamroller": 2, "excavator": 3, "haswell": 3, "zen": 3,
    "skylakex": 4, "cooperlake": 4, "sapphirerapids": 4,
  ]

  /// What is wrong with a choice of core.
  package enum Fault: Sendable, Equatable {
    /// OpenBLAS took the processor for one that can do less.
    case tooOld
    /// The variable names a core that OpenBLAS does not have.
    case unknown
    /// The variable names a core whose instructions the processor lacks.
    case beyondProcessor
  }

  /// The core to use instead of the `current` one, and why; nil where that one is right or nothing
  /// better is known. `asked` is the value of `variable`, where the environment has it.
  package static func better(
    than current: String, asked: String?, on processor: Processor = .current
  ) -> (core: String, fault: Fault)? {
    let best: String
    switch (processor.maker, processor.level) {
    case (.intel, 4): best = "SkylakeX"
    case (.intel, 3): best = "Haswell"
    // OpenBLAS's kernels for AVX-512 are tuned for Intel's processors.
    case (.amd, 3), (.amd, 4): best = "Zen"
    default: return nil
    }
    if let asked, !asked.isEmpty {
      if asked.lowercased() != current.lowercased() { return (best, .unknown) }
      guard let level = levels[asked.lowercased()], level > processor.level else { return nil }
      return (best, .beyondProcessor)
    }
    guard let level = levels[current.lowercased()], level < 3 else { return nil }
    return (best, .tooOld)
  }

  /// Whether a product of OpenBLAS is right: C = A Bᵀ is, where C x = A (Bᵀ x) for a vector x. A
  /// build that is older than the processor may compute something else.
  package static var isSound: Bool {
    // Whole tiles of every kernel and parts of them, and more than a kernel for small matrices takes.
    let (m, n, k) = (115, 109, 97)
    func values(_ count: Int, _ factor: Int) -> [Float] {
      (0..<count).map { Float(($0 * factor) % 251) / 125 - 1 }
    }
    let (a, b, x) = (values(m * k, 7919), values(n * k, 104_729), values(n, 31))
    let c = Matrix(rows: m, columns: n)
    product(
      Matrix(rows: m, columns: k, a), false, Matrix(rows: n, columns: k, b), true, into: c, 1, 0)
    let result = c.values
    var y = [Double](repeating: 0, count: k)
    for j in 0..<n { for l in 0..<k { y[l] += Double(b[j * k + l]) * Double(x[j]) } }
    for i in 0..<m {
      var (expected, found) = (0.0, 0.0)
      for l in 0..<k { expected += Double(a[i * k + l]) * y[l] }
      for j in 0..<n { found += Double(result[i * n + j]) * Double(x[j]) }
      // Sums of some thousands, which rounding alone changes by a few thousandths.
      if !(abs(expected - found) < 0.05) { return false }
    }
    return true
  }
}
