// hh-bench kernels: the loops where time goes, beside this machine's memcpy and matrix product.

import ArgumentParser
import Glibc
import HHCompute
import HHFormat

struct Kernels: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Times the kernels of training beside memcpy and a matrix product.",
    discussion: """
      One JSON object per kernel: its rate in GB/s or GFLOP/s, and that as a share of the copy's or \
      the product's in the same run. Each is timed in turn, round by round; the fastest round of \
      each counts, since other programs only ever take time away.
      """)

  @Option var threads = 2
  @Option var rounds = 7

  /// A kernel and the work of one call: bytes read and written, or floating-point operations.
  private struct Case {
    let name: String
    let unit: String
    let work: Double
    let body: () -> Void
  }

  func run() throws {
    ThreadPolicy.use(threads: threads)
    let cases = Self.memory() + Self.arithmetic()
    var times = cases.map { _ in [Double]() }
    for round in 0...rounds {
      for (index, test) in cases.enumerated() {
        let time = seconds(test.body)
        // The first round touches memory for the first time.
        if round > 0 { times[index].append(time) }
      }
    }
    let rates = zip(cases, times).map { $0.work / ($1.min() ?? .nan) / 1e9 }
    for (test, rate) in zip(cases, rates) {
      let ceiling = zip(cases, rates).first { $0.0.unit == test.unit }?.1 ?? rate
      let line: JSONObject = [
        "kernel": .string(test.name), "rate": .number(rate), "unit": .string(test.unit),
        "share": .number(rate / ceiling), "threads": .integer(threads),
      ]
      print(JSONValue.object(line).text)
    }
  }

  /// Kernels that memory limits; the copy first.
  private static func memory() -> [Case] {
    let count = 1 << 24
    let (a, b) = (FloatBuffer(count: count), FloatBuffer(count: count))
    // Pages that nobody wrote all show the same zeros and would be read from the cache.
    for buffer in [a, b] {
      var span = buffer.mutableSpan
      span.update(repeating: 0.5)
    }
    let first = Matrix(a, rows: 4096, columns: 4096)
    let second = Matrix(b, rows: 4096, columns: 4096)
    let (weight, bias) = (FloatBuffer(count: 4096), FloatBuffer(count: 4096))
    let optimizer = AdamW([FloatBuffer(count: count)])
    let bytes = Double(4 * count)
    return [
      Case(name: "memcpy", unit: "GB/s", work: 2 * bytes) { Self.copyBytes(a, to: b) },
      Case(name: "copy", unit: "GB/s", work: 2 * bytes) { copy(a, to: b) },
      Case(name: "add", unit: "GB/s", work: 3 * bytes) { add(first, to: second) },
      Case(name: "gelu", unit: "GB/s", work: 2 * bytes) {
        Activation.geluTanh.apply(first, into: second)
      },
      Case(name: "layer norm", unit: "GB/s", work: 2 * bytes) {
        layerNorm(first, weight: weight, bias: bias, epsilon: 1e-5, into: second)
      },
      Case(name: "adamw", unit: "GB/s", work: 7 * bytes) {
        optimizer.step(gradients: [a], rate: 0)
      },
    ]
  }

  /// The C library's copy, on all threads.
  private static func copyBytes(_ source: FloatBuffer, to target: FloatBuffer) {
    parallelFor(count: source.count, grain: 1 << 20) { range, _ in
      let values = source.span(range)
      var span = target.mutableSpan(range)
      // Safe: both spans have the range's elements and do not overlap.
      unsafe values.withUnsafeBufferPointer { values in
        unsafe span.withUnsafeMutableBufferPointer { target in
          guard let from = values.baseAddress, let to = target.baseAddress else { return }
          unsafe memcpy(to, from, 4 * values.count)
        }
      }
    }
  }

  /// Kernels that arithmetic limits; the product first. Heads of 64, rows of 1,024, causal.
  private static func arithmetic() -> [Case] {
    let size = 1024
    let (a, b) = (Self.filled(rows: size, columns: size), Self.filled(rows: size, columns: size))
    let product = Matrix(rows: size, columns: size)
    let shape = AttentionShape(
      batch: 1, length: size, queryHeads: 8, keyValueHeads: 8, headSize: 64, causal: true)
    let (q, k, v) = (
      Self.filled(rows: size, columns: 512), Self.filled(rows: size, columns: 512),
      Self.filled(rows: size, columns: 512)
    )
    let out = Matrix(rows: size, columns: 512)
    let maps = FeatureMaps(
      LinearAttentionShape(
        function: SoftmaxMap(featureSize: 64), queryHeads: 8, keyValueHeads: 8, headSize: 64))
    let gradients = FeatureMapGradients(like: maps)
    let distillation = AttentionDistillation()
    // Pairs of query and key under the mask, in all heads.
    let pairs = Double(8 * size * (size + 1) / 2)
    let (d, features) = (64.0, 128.0)
    let positions = Double(8 * size)
    return [
      Case(name: "matrix product", unit: "GFLOP/s", work: 2 * Double(size * size * size)) {
        gemm(a, transposed: false, b, transposed: true, into: product)
      },
      // By the processor's units for it, where it has any.
      Case(
        name: "matrix product, bfloat16", unit: "GFLOP/s", work: 2 * Double(size * size * size)
      ) {
        gemm(
          a, transposed: false, b, transposed: true, into: product, precision: .bfloat16)
      },
      // Scores d, similarities and two gradients D each, per pair; three products per projection.
      Case(
        name: "distillation step", unit: "GFLOP/s",
        work: 2 * pairs * (d + 3 * features) + 2 * positions * 4 * d * d
      ) {
        _ = distillation.lossAndGradient(
          q: q, k: k, v: nil, shape: shape, scale: 0.125, maps: maps, gradients: gradients,
          measure: .gradientOnly)
      },
      Case(name: "softmax attention", unit: "GFLOP/s", work: 2 * pairs * 2 * d) {
        SoftmaxAttention.forward(q: q, k: k, v: v, shape: shape, scale: 0.125, into: out)
      },
      // Two projections, and the state updated and read for each position.
      Case(
        name: "linear attention", unit: "GFLOP/s",
        work: 2 * positions * (2 * d * d + 2 * features * d)
      ) {
        LinearAttention.forward(
          q: q, k: k, v: v, shape: shape, scale: 0.125, maps: maps, into: out)
      },
    ]
  }

  /// A matrix of numbers between −1 and 1.
  private static func filled(rows: Int, columns: Int) -> Matrix {
    var state: UInt32 = 1
    return Matrix(
      rows: rows, columns: columns,
      (0..<rows * columns).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Float(Int32(bitPattern: state)) / 2_147_483_648
      })
  }
}
