// hh-bench attention: the fused Hedgehog kernels beside the general ones on the same map.

import ArgumentParser
import HHCompute
import HHFormat

struct Attention: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Times the fused kernels of the default feature map beside the general ones.",
    discussion: """
      One JSON object per use and size: median microseconds of a call of each, the median over the \
      rounds of general / fused, and the ratio of the fastest rounds. The two take turns, round by \
      round, in an order that swaps, so that other programs slow both down alike.
      """)

  @Option var threads = 1
  @Option var rounds = 101
  @Option(help: "Milliseconds that a round of the fused kernels takes, about.")
  var slice = 4.0
  @Option(help: "Head sizes.")
  var sizes = [32, 64, 128]
  @Option(help: "Positions of a sequence.")
  var lengths = [256, 1024]
  @Option(help: "Query heads that share a key/value head.")
  var group = 1
  @Option(help: "Sequences side by side.")
  var batch = 1
  @Option(help: "Only the uses whose name begins so.")
  var only = ""
  @Flag(help: "Times attention without a causal mask.")
  var bidirectional = false
  @Flag(help: "Prints rows of a Markdown table.")
  var markdown = false

  func run() throws {
    ThreadPolicy.use(threads: threads)
    if markdown {
      print("| use | d | length | fused, µs | general, µs | general / fused | of the fastest |")
      print("|---|---:|---:|---:|---:|---:|---:|")
    }
    for size in sizes {
      for length in lengths {
        let layer = AttentionLayer(
          batch: batch, heads: 8, group: group, size: size, length: length, causal: !bidirectional)
        for use in AttentionLayer.Use.allCases where use.rawValue.hasPrefix(only) {
          compare(use.rawValue, size, length, layer.call(use, fused: true)) {
            layer.call(use, fused: false)
          }
        }
      }
      guard "decoding".hasPrefix(only) else { continue }
      let layer = AttentionLayer(
        batch: batch, heads: 12, group: group, size: size, length: 1, causal: true)
      compare("decoding", size, 1, layer.decoding(fused: true)) { layer.decoding(fused: false) }
    }
  }

  private func compare(
    _ use: String, _ size: Int, _ length: Int, _ fused: () -> Void, _ general: () -> () -> Void
  ) {
    let general = general()
    // The first calls touch memory for the first time, the second ones tell how many make a round.
    fused()
    general()
    let calls = max(1, Int(slice / 1000 / max(1e-9, seconds(fused))))
    func time(_ body: () -> Void) -> Double {
      seconds { for _ in 0..<calls { body() } } / Double(calls)
    }
    var (first, second, ratios): ([Double], [Double], [Double]) = ([], [], [])
    for round in 0..<rounds {
      let early = time(round.isMultiple(of: 2) ? fused : general)
      let late = time(round.isMultiple(of: 2) ? general : fused)
      let (ours, theirs) = round.isMultiple(of: 2) ? (early, late) : (late, early)
      first.append(ours)
      second.append(theirs)
      ratios.append(theirs / ours)
    }
    let fastest = (second.min() ?? .nan) / (first.min() ?? .nan)
    let (a, b, ratio) = (1e6 * median(first), 1e6 * median(second), median(ratios))
    if markdown {
      func shown(_ value: Double, _ scale: Double) -> String {
        "\((value * scale).rounded() / scale)"
      }
      print(
        "| \(use) | \(size) | \(length) | \(shown(a, 10)) | \(shown(b, 10)) | "
          + "\(shown(ratio, 100)) | \(shown(fastest, 100)) |")
      return
    }
    let line: JSONObject = [
      "use": .string(use), "head_size": .integer(Int64(size)), "length": .integer(Int64(length)),
      "fused_microseconds": .number(a), "general_microseconds": .number(b),
      "ratio": .number(ratio), "fastest_ratio": .number(fastest),
      "threads": .integer(Int64(threads)),
    ]
    print(JSONValue.object(line).text)
  }
}

/// One layer's matrices and maps, some way from the identity, in both forms.
private struct AttentionLayer {
  enum Use: String, CaseIterable {
    case distillation = "distillation step"
    case sampled = "distillation step, every fourth query"
    case loss = "distillation loss"
    case training
    case prefill
  }

  private let shape: AttentionShape
  private let q, k, v, out, dOut, dQ, dK, dV: Matrix
  private let fused: FeatureMaps
  private let general: FeatureMaps

  init(batch: Int, heads: Int, group: Int, size: Int, length: Int, causal: Bool) {
    shape = AttentionShape(
      batch: batch, length: length, queryHeads: heads, keyValueHeads: heads / group, headSize: size,
      causal: causal)
    let design = LinearAttentionDesign(
      function: SoftmaxMap(featureSize: size), queryHeads: heads, keyValueHeads: heads / group,
      headSize: size)
    fused = FeatureMaps(design)
    general = FeatureMaps(design, fusing: false)
    func matrix(_ heads: Int) -> Matrix { Matrix(rows: batch * length, columns: heads * size) }
    func values(_ heads: Int) -> Matrix { filled(rows: batch * length, columns: heads * size) }
    (q, k, v, dOut) = (values(heads), values(heads / group), values(heads / group), values(heads))
    (out, dQ, dK, dV) = (matrix(heads), matrix(heads), matrix(heads / group), matrix(heads / group))
  }

  private var scale: Float { 1 / Float(shape.headSize).squareRoot() }

  func call(_ use: Use, fused isFused: Bool) -> () -> Void {
    let maps = isFused ? fused : general
    let gradients = FeatureMapGradients(like: maps)
    let scratch = ScratchSpace()
    func forward() {
      LinearAttention.forward(q: q, k: k, v: v, shape: shape, scale: scale, maps: maps, into: out)
    }
    switch use {
    case .distillation: return distillation(isFused, .all, .gradientOnly)
    case .sampled: return distillation(isFused, QuerySample(first: 1, step: 4), .gradientOnly)
    case .loss: return distillation(isFused, .all, .lossOnly)
    case .training:
      return {
        forward()
        LinearAttention.backward(
          AttentionGradients(q: q, k: k, v: v, out: out, dOut: dOut, dQ: dQ, dK: dK, dV: dV),
          shape: shape, scale: scale, maps: maps, mapGradients: gradients, scratch: scratch)
      }
    case .prefill: return forward
    }
  }

  private func distillation(
    _ isFused: Bool, _ sample: QuerySample, _ measure: AttentionDistillation.Measure
  ) -> () -> Void {
    if isFused, let maps = fused.fused {
      let gradients = HedgehogMapGradients(like: maps)
      let distillation = AttentionDistillation()
      return {
        _ = distillation.lossAndGradient(
          q: q, k: k, shape: shape, scale: scale, maps: maps, sample: sample,
          gradients: gradients, measure: measure)
      }
    }
    let gradients = FeatureMapGradients(like: general)
    let distillation = FeatureDistillation()
    return {
      _ = distillation.lossAndGradient(
        q: q, k: k, v: nil, shape: shape, scale: scale, maps: general, sample: sample,
        gradients: gradients, measure: measure)
    }
  }

  /// One token of one sequence.
  func decoding(fused isFused: Bool) -> () -> Void {
    let state = LinearAttentionState(batch: shape.batch, maps: isFused ? fused : general)
    return {
      LinearAttention.forward(q: q, k: k, v: v, shape: shape, scale: scale, state: state, into: out)
    }
  }
}
