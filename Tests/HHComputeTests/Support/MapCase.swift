// Every feature map with its definition in double precision.

import Glibc
import HHCompute
import HHTestSupport
import Testing

/// A map and what it should compute.
struct MapCase: CustomTestStringConvertible {
  let kind: FeatureMapKind
  let function: any FeatureFunction
  /// The true features of a row, given the parameters of its map and its position.
  let features: @Sendable (_ x: [Double], _ parameters: [[Double]], _ position: Int) -> [Double]
  let label: String
  /// Elements of a head where the map takes no others.
  let headSize: Int?

  /// The maps whose features have kinks, which finite differences stumble over, and may all be zero,
  /// of which there is no logarithm.
  static let rectified: [FeatureMapKind] = [.relu, .rectifiedProjection, .cosformer]

  /// All others.
  static let smooth = all.filter { !rectified.contains($0.kind) }

  var testDescription: String { label.isEmpty ? "\(kind)" : "\(kind), \(label)" }

  static let all: [MapCase] = [
    MapCase(.splitSoftmax, SoftmaxMap(featureSize: 6)) { x, p, _ in
      let u = affine(x, p)
      return softmax(u) + softmax(u.map { -$0 })
    },
    MapCase(.splitSoftmax, SoftmaxMap(featureSize: 3, hasBias: false), "few features, no bias") {
      x, p, _ in
      let u = affine(x, p)
      return softmax(u) + softmax(u.map { -$0 })
    },
    MapCase(.jointSoftmax, SoftmaxMap(featureSize: 5, isJoint: true)) { x, p, _ in
      let u = affine(x, p)
      return softmax(u.map { 2 * $0 } + u.map { -2 * $0 })
    },
    MapCase(.exponential, ExponentialMap(featureSize: 7, isNegated: false)) { x, p, _ in
      affine(x, p).map(exp)
    },
    MapCase(.negatedExponential, ExponentialMap(featureSize: 4, hasBias: false, isNegated: true)) {
      x, p, _ in
      let u = affine(x, p)
      return u.map(exp) + u.map { exp(-$0) }
    },
    MapCase(.exponentialOfInput, FixedExponentialMap(temperature: 1.5)) { x, _, _ in
      x.map { exp(1.5 * $0) }
    },
    MapCase(.elu, EluMap()) { x, _, _ in x.map { $0 > 0 ? $0 + 1 : exp($0) } },
    MapCase(.relu, ReluMap()) { x, _, _ in x.map { max($0, 0) } },
    MapCase(.rectifiedProjection, ReluMap(featureSize: 9)) { x, p, _ in
      affine(x, p).map { max($0, 0) }
    },
    MapCase(.performer, PerformerMap(featureSize: 11, seed: 3)) { x, p, _ in
      let y = x.map { $0 / pow(Double(x.count), 0.25) }
      return affine(y, p).map { exp($0 - dot(y, y) / 2) }
    },
    MapCase(.cosformer, CosFormerMap(horizon: 300)) { x, _, position in
      let angle = Double.pi * Double(position) / 600
      return x.map { max($0, 0) * cos(angle) } + x.map { max($0, 0) * sin(angle) }
    },
    MapCase(.taylor, TaylorMap()) { x, _, _ in
      let y = x.map { $0 / pow(Double(x.count), 0.25) }
      let pairs = y.indices.flatMap { a in
        (a..<y.count).map { b in y[a] * y[b] / (a == b ? 2.0.squareRoot() : 1) }
      }
      return [1] + y + pairs
    },
    MapCase(
      .splitSoftmax,
      UnrotatedMap(SoftmaxMap(featureSize: 5), inverseFrequencies: [1, 0.3, 0.01], scale: 1.25),
      "before rotary positions", headSize: 6
    ) { x, p, position in
      let pairs = zip([1, 0.3, 0.01], 0..<3).map { frequency, i in
        let angle = Double(position) * Double(Float(frequency))
        return (
          (x[i] * cos(angle) + x[i + 3] * sin(angle)) / 1.25,
          (x[i + 3] * cos(angle) - x[i] * sin(angle)) / 1.25
        )
      }
      let u = affine(pairs.map(\.0) + pairs.map(\.1), p)
      return softmax(u) + softmax(u.map { -$0 })
    },
  ]

  init(
    _ kind: FeatureMapKind, _ function: any FeatureFunction, _ label: String = "",
    headSize: Int? = nil, features: @escaping @Sendable ([Double], [[Double]], Int) -> [Double]
  ) {
    self.kind = kind
    self.function = function
    self.features = features
    self.label = label
    self.headSize = headSize
  }
}

/// x W + b, b where there is one.
private func affine(_ x: [Double], _ parameters: [[Double]]) -> [Double] {
  let size = parameters[0].count / x.count
  let bias = parameters.count > 1 ? parameters[1] : [Double](repeating: 0, count: size)
  return project(x, parameters[0], start: 0, bias[...])
}

/// Linear attention by the book: weights of every pair in double precision.
struct LinearReference {
  let attention: AttentionReference
  let design: LinearAttentionShape
  let test: MapCase
  /// In the order of `FeatureMaps.parameters`.
  var parameters: [[Double]]
  let scale: Double

  init(
    _ test: MapCase, q: Matrix, k: Matrix, shape: AttentionShape, maps: FeatureMaps, scale: Float
  ) {
    attention = AttentionReference(q: q, k: k, shape: shape)
    design = maps.design
    self.test = test
    parameters = maps.parameters.map { $0.values.map(Double.init) }
    self.scale = Double(scale)
  }

  private func map(_ first: Int, _ index: Int, maps: Int) -> [[Double]] {
    let count = (parameters.count - (design.window > 0 ? 1 : 0)) / 2
    return parameters[first * count..<(first + 1) * count].map { values in
      let size = values.count / maps
      return Array(values[index * size..<(index + 1) * size])
    }
  }

  /// Normalised weights as a function of sequence, head and query.
  func weights() -> (_ row: Int, _ head: Int, _ i: Int) -> [Double] {
    let shape = attention.shape
    let shared = design.sharing == .allHeads
    let (queryMaps, keyMaps) = (shared ? 1 : shape.queryHeads, shared ? 1 : design.stateHeads)
    let every = (0..<shape.batch).map { row in
      (0..<shape.queryHeads).map { head in
        let (forQ, forK) = (
          map(0, shared ? 0 : head, maps: queryMaps),
          map(1, shared ? 0 : head * keyMaps / shape.queryHeads, maps: keyMaps)
        )
        return (0..<shape.length).map { position in
          (
            q: test.features(attention.query(row, head, position), forQ, position),
            k: test.features(attention.key(row, head, position), forK, position)
          )
        }
      }
    }
    return { row, head, i in
      let features = every[row][head]
      let visible = attention.visible(row, i)
      let start = design.window == 0 ? visible : min(visible, max(0, i + 1 - design.window))
      let (query, own) = (attention.query(row, head, i), features[i].q)
      var weights: [Double] = []
      for key in 0..<visible { weights.append(dot(own, features[key].k)) }
      let scored = Array(0..<min(design.sinks, start)) + Array(start..<visible)
      var scores: [Double] = []
      for key in scored { scores.append(scale * dot(query, attention.key(row, head, key))) }
      let x = parameters.last?[head] ?? 0
      let factor = design.windowFactor == .sigmoid ? 1 / (1 + exp(-x)) : exp(x)
      let top = scores.max() ?? 0
      for (key, score) in zip(scored, scores) { weights[key] = factor * exp(score - top) }
      let sum = weights.reduce(0, +)
      return weights.map { $0 / sum }
    }
  }
}

/// A shape, a way to share maps, and a window.
struct LinearCase: CustomTestStringConvertible {
  let shape: AttentionShape
  var sharing = LinearAttentionShape.Sharing.keyValueHead
  var window = 0
  var sinks = 0
  var windowFactor = LinearAttentionShape.WindowFactor.exponential

  var testDescription: String {
    "\(shape.batch) × \(shape.length), \(shape.queryHeads)/\(shape.keyValueHeads) heads,"
      + " \(shape.causal ? "causal" : "bidirectional"), \(sharing), window \(window),"
      + " \(sinks) sinks, \(windowFactor) factor"
  }

  static let all: [LinearCase] = [
    .init(shape: shape(1, 1, 1, 1, causal: true)),
    .init(shape: shape(2, 70, 4, 2, causal: true)),
    .init(shape: shape(1, 66, 4, 2, causal: false), sharing: .queryHead),
    .init(shape: shape(2, 9, 4, 2, causal: true, [9, 4]), sharing: .allHeads),
    .init(shape: shape(3, 67, 2, 1, causal: false, [67, 20, 1]), sharing: .allHeads),
    .init(shape: shape(1, 100, 4, 2, causal: true, [99]), sharing: .queryHead),
  ]

  static let windows: [LinearCase] = [
    .init(shape: shape(2, 20, 4, 2, causal: true), window: 1),
    .init(
      shape: shape(1, 100, 2, 1, causal: true), window: 16, windowFactor: .sigmoid),
    .init(shape: shape(2, 90, 2, 2, causal: true, [90, 77]), sharing: .allHeads, window: 40),
    .init(shape: shape(1, 30, 4, 2, causal: true), sharing: .queryHead, window: 64),
    .init(shape: shape(2, 20, 4, 2, causal: true), window: 1, sinks: 3),
    .init(shape: shape(1, 150, 2, 1, causal: true), window: 16, sinks: 4),
    .init(
      shape: shape(3, 90, 2, 2, causal: true, [90, 77, 2]), sharing: .allHeads, window: 40,
      sinks: 17
    ),
    .init(shape: shape(1, 30, 4, 2, causal: true), sharing: .queryHead, window: 5, sinks: 40),
  ]

  private static func shape(
    _ batch: Int, _ length: Int, _ heads: Int, _ keyHeads: Int, causal: Bool, _ keys: [Int]? = nil
  ) -> AttentionShape {
    AttentionShape(
      batch: batch, length: length, queryHeads: heads, keyValueHeads: keyHeads, headSize: 6,
      causal: causal, keyLengths: keys)
  }

  /// q, k and v as columns of one fused matrix.
  func inputs(seed: UInt64) -> (q: Matrix, k: Matrix, v: Matrix) {
    AttentionCase(name: "", shape: shape).inputs(seed: seed, spread: 1.5)
  }

  /// Maps some way from where they start; what is not trained stays.
  func maps(_ function: any FeatureFunction, seed: UInt64) -> FeatureMaps {
    var samples = Samples(seed: seed)
    let maps = FeatureMaps(
      LinearAttentionShape(
        function: function, sharing: sharing, queryHeads: shape.queryHeads,
        keyValueHeads: shape.keyValueHeads, headSize: shape.headSize, window: window,
        sinks: sinks, windowFactor: windowFactor))
    for parameter in maps.trained {
      var span = parameter.mutableSpan
      for index in span.indices { span[index] += 0.3 * samples.next() }
    }
    return maps
  }
}
