// Sizes on which every form of attention is tried.

import HHCompute
import Testing

/// A shape with random inputs.
struct AttentionCase: CustomTestStringConvertible {
  let name: String
  let shape: AttentionShape
  var projectionSize: Int?
  var mapsPerQueryHead = false

  var testDescription: String { name }

  static let all: [AttentionCase] = [false, true].flatMap { causal -> [AttentionCase] in
    let mask = causal ? "causal" : "bidirectional"
    func shape(
      _ batch: Int, _ length: Int, _ heads: Int, _ keyHeads: Int, _ size: Int, _ keys: [Int]? = nil
    ) -> AttentionShape {
      AttentionShape(
        batch: batch, length: length, queryHeads: heads, keyValueHeads: keyHeads, headSize: size,
        causal: causal, keyLengths: keys)
    }
    return [
      .init(name: "\(mask), one position", shape: shape(2, 1, 2, 2, 8)),
      .init(name: "\(mask), 7 positions, odd head", shape: shape(2, 7, 3, 3, 5)),
      .init(name: "\(mask), 33 positions", shape: shape(1, 33, 2, 2, 16)),
      .init(name: "\(mask), 64 positions", shape: shape(1, 64, 2, 2, 16)),
      .init(name: "\(mask), 131 positions, grouped", shape: shape(1, 131, 4, 2, 8)),
      .init(name: "\(mask), 97 positions, wide head", shape: shape(1, 97, 1, 1, 64)),
      .init(
        name: "\(mask), fewer features", shape: shape(1, 33, 2, 1, 12), projectionSize: 5),
      .init(
        name: "\(mask), maps per query head", shape: shape(2, 20, 4, 2, 8), mapsPerQueryHead: true),
      .init(name: "\(mask), padded", shape: shape(3, 9, 2, 1, 4, [9, 5, 1])),
      .init(name: "\(mask), padded, several chunks", shape: shape(3, 70, 2, 2, 8, [66, 20, 1])),
    ]
  }

  /// Heads and maps of sizes around multiples of the vector length.
  static let sizes: [AttentionCase] = [
    (1, 1), (8, 8), (5, 3), (16, 16), (17, 15), (33, 31), (64, 64), (8, 35),
  ].map { (size: Int, features: Int) in
    AttentionCase(
      name: "\(features) features of a head of \(size)",
      shape: AttentionShape(
        batch: 1, length: 13, queryHeads: 2, keyValueHeads: 1, headSize: size, causal: true),
      projectionSize: features)
  }

  /// q, k and v as columns of one fused matrix, as GPT-2 and ViT store them.
  func inputs(seed: UInt64, spread: Float = 2) -> (q: Matrix, k: Matrix, v: Matrix) {
    var samples = Samples(seed: seed)
    let (wide, narrow) = (
      shape.queryHeads * shape.headSize, shape.keyValueHeads * shape.headSize
    )
    let fused = samples.matrix(shape.batch * shape.length, wide + 2 * narrow, spread: spread)
    return (
      fused.columns(0..<wide), fused.columns(wide..<wide + narrow),
      fused.columns(wide + narrow..<wide + 2 * narrow)
    )
  }

  /// What linear attention of this shape computes, with the default map.
  var design: LinearAttentionShape {
    LinearAttentionShape(
      function: SoftmaxMap(featureSize: projectionSize ?? shape.headSize),
      sharing: mapsPerQueryHead ? .queryHead : .keyValueHead, queryHeads: shape.queryHeads,
      keyValueHeads: shape.keyValueHeads, headSize: shape.headSize)
  }

  /// Maps some way from the identity.
  func maps(seed: UInt64) -> FeatureMaps {
    var samples = Samples(seed: seed)
    let maps = FeatureMaps(design)
    for parameter in maps.parameters {
      var span = parameter.mutableSpan
      for index in span.indices { span[index] += 0.3 * samples.next() }
    }
    return maps
  }
}
