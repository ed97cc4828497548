// The kernels that OpenBLAS computes with, and those that it should.

internal import COpenBLAS
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
  package static var current: String {
    // Safe: the function returns a constant, null-terminated string.
    unsafe openblas_get_corename().map { unsafe String(cString: $0) } ?? "unknown"
  }

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

  /// Whether products of OpenBLAS are right, by a few of odd extents against plain sums. A build
  /// that is older than the processor may compute something else.
  package static var isSound: Bool {
    let (m, n, k) = (37, 45, 67)
    var generator = SeededGenerator(seed: 1)
    func values(_ rows: Int, _ columns: Int) -> Matrix {
      Matrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in generator.uniform() })
    }
    return [false, true].allSatisfy { transposed in
      let a = transposed ? values(k, m) : values(m, k)
      let b = transposed ? values(n, k) : values(k, n)
      let c = Matrix(rows: m, columns: n)
      product(a, transposed, b, transposed, into: c, 1, 0)
      let (x, y, z) = (a.values, b.values, c.values)
      return (0..<m).allSatisfy { i in
        (0..<n).allSatisfy { j in
          let sum = (0..<k).reduce(0.0) { sum, l in
            sum + Double(transposed ? x[l * m + i] : x[i * k + l])
              * Double(transposed ? y[j * k + l] : y[l * n + j])
          }
          // Rounding alone changes a sum of this length by a few millionths.
          return abs(Double(z[i * n + j]) - sum) < 1e-3
        }
      }
    }
  }
}
