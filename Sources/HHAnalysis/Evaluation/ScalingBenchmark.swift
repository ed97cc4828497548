// How time and memory grow with the context: linear attention beside the softmax it replaced.

internal import Glibc
internal import HHCompute
internal import HHData
package import HHFormat
internal import HHModel

/// Timings of a converted model and of the softmax model with the same weights.
package struct ScalingBenchmark {
  /// Writing one token after a context.
  package struct Decoding: Sendable {
    /// Tokens that went before.
    package let context: Int
    /// Seconds per token, the median.
    package let seconds: Double
    /// Bytes that the model remembers of the context.
    package let bytes: Int
  }

  /// Softmax beside Hedgehog.
  package struct Pair<Value: Sendable>: Sendable {
    package let hedgehog: Value
    package let softmax: Value
  }

  private let model: OpenedModel
  private let teacher: ModelRunner

  /// Opens an artifact; `base` goes with a delta.
  ///
  /// - Throws: `FormatError`, `unsupported` for a model that is not converted.
  package init(
    opening path: String, configuration: String? = nil, base: String? = nil, threads: Int
  ) throws(FormatError) {
    ThreadPolicy.use(threads: threads)
    model = try OpenedModel(opening: path, configuration: configuration, base: base)
    guard let teacher = model.teacher, !model.runner.maps.isEmpty else {
      throw FormatError(
        .unsupported, file: path, problem: "expected a converted model, found a softmax one",
        remedy: "convert it first: \(.stages, "rewrite") is enough for timings")
    }
    self.teacher = teacher
  }

  /// Contexts up to `maximum` that the model has positions for, in powers of four; none where it
  /// writes no text.
  package func contexts(maximum: Int) -> [Int] {
    guard model.runner.graph.hasLanguageModelHead else { return [] }
    let hasTable = model.runner.graph.attentions.contains(where: \.hasLastPosition)
    let limit = hasTable ? min(maximum, model.runner.graph.maximumLength) : maximum
    return Array(sequence(first: 64) { $0 * 4 }.prefix { $0 <= limit })
  }

  /// Times the writing of `tokens` tokens, at least one, that end a context.
  ///
  /// - Throws: `FormatError` for weights that cannot be read.
  package func decoding(context: Int, tokens: Int) throws(FormatError) -> Pair<Decoding> {
    Pair(
      hedgehog: try decoding(model.runner, context: context, tokens: tokens),
      softmax: try decoding(teacher, context: context, tokens: tokens))
  }

  private func decoding(
    _ runner: ModelRunner, context: Int, tokens: Int
  ) throws(FormatError) -> Decoding {
    var session = DecodingSession(runner: runner, rowCount: 1, capacity: context)
    let (tokens, warmUp) = (min(tokens, context), min(2, max(0, context - tokens)))
    session.skip(to: context - tokens - warmUp)
    var times: [Double] = []
    for step in 0..<warmUp + tokens {
      let stopwatch = Stopwatch()
      _ = try session.advance(TokenBatch(ids: [0], length: 1))
      if step >= warmUp { times.append(stopwatch.seconds) }
    }
    return Decoding(
      context: context, seconds: times.sorted()[times.count / 2],
      bytes: session.byteCount(position: context))
  }

  /// Seconds that the first converted block's attention takes for whole sequences of a length: one key/value
  /// head and the queries that share it.
  package func attention(length: Int) -> Pair<Double> {
    guard let layer = model.runner.maps.keys.min(), let maps = model.runner.maps[layer] else {
      return Pair(hedgehog: .nan, softmax: .nan)
    }
    let attention = model.runner.graph.attentions[layer]
    let group = attention.headCount / attention.keyValueHeadCount
    let shape = AttentionShape(
      batch: 1, length: length, queryHeads: group, keyValueHeads: 1, headSize: attention.headSize,
      causal: attention.isCausal)
    let head = FeatureMaps(maps.design.ofOneGroup)
    var generator = SeededGenerator(seed: 0)
    func random(heads: Int) -> Matrix {
      let count = length * heads * attention.headSize
      return Matrix(
        rows: length, columns: heads * attention.headSize,
        (0..<count).map { _ in 2 * generator.uniform() - 1 })
    }
    let (q, k, v) = (random(heads: group), random(heads: 1), random(heads: 1))
    let out = Matrix(rows: length, columns: q.columns)
    // Other programs only ever take time away, so the fastest of three is nearest to the truth.
    func fastest(_ body: () -> Void) -> Double {
      body()
      var best = Double.infinity
      for _ in 0..<3 {
        let stopwatch = Stopwatch()
        body()
        best = min(best, stopwatch.seconds)
      }
      return best
    }
    return Pair(
      hedgehog: fastest {
        LinearAttention.forward(
          q: q, k: k, v: v, shape: shape, scale: attention.scale, maps: head, into: out)
      },
      softmax: fastest {
        SoftmaxAttention.forward(
          q: q, k: k, v: v, shape: shape, scale: attention.scale, into: out)
      })
  }
}

/// What follows from timings at several lengths.
package enum Scaling {
  /// The slope of log time against log length by least squares: 1 for linear growth, 2 for
  /// quadratic. Nil for fewer than two lengths.
  package static func exponent(_ points: [(length: Int, seconds: Double)]) -> Double? {
    guard points.count > 1 else { return nil }
    let logs = points.map { (x: log(Double($0.length)), y: log(max(1e-9, $0.seconds))) }
    let count = Double(logs.count)
    let (x, y) = (logs.reduce(0) { $0 + $1.x } / count, logs.reduce(0) { $0 + $1.y } / count)
    let variance = logs.reduce(0) { $0 + ($1.x - x) * ($1.x - x) }
    guard variance > 0 else { return nil }
    return logs.reduce(0) { $0 + ($1.x - x) * ($1.y - y) } / variance
  }

  /// The length from which on the first time stays below the second, between two lengths as if both
  /// were powers of the length. Nil where it does not at the last length; the first length where
  /// it does at all of them.
  package static func crossover(
    _ points: [(length: Int, first: Double, second: Double)]
  ) -> Int? {
    guard let last = points.last, last.first < last.second else { return nil }
    guard let before = points.lastIndex(where: { $0.first >= $0.second }) else {
      return points.first?.length
    }
    let (a, b) = (points[before], points[before + 1])
    let (gapA, gapB) = (log(a.first / a.second), log(b.second / b.first))
    let share = gapA + gapB > 0 ? gapA / (gapA + gapB) : 0
    return Int((Double(a.length) * pow(Double(b.length) / Double(a.length), share)).rounded())
  }
}
