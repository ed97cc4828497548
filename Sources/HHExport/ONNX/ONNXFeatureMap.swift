// The feature maps of linear attention in ONNX operators.

internal import Glibc
internal import HHCompute

/// A feature map that is applied to queries or keys, [batch, heads, length, head size].
struct ONNXFeatureMap {
  let builder: ONNXBuilder
  /// What the map is applied to.
  let x: ONNXValue
  /// x W + b, or x where the map has no W.
  let u: ONNXValue
  /// Elements of x.
  let size: Int
  /// The map's constant.
  let constant: Double
  /// The position of each row, to be compared with [batch, heads, length, 1], in double precision.
  let positions: () -> ONNXValue

  /// Gives the features, or their logarithms where the kind stores those.
  typealias Function = @Sendable (ONNXFeatureMap) -> ONNXValue

  /// The kinds that are known here.
  static let functions: [(kind: FeatureMapKind, features: Function)] = [
    (.splitSoftmax, { $0.joined([$0.builder.softmax($0.u), $0.builder.softmax($0.negated)]) }),
    (.jointSoftmax, { $0.builder.softmax($0.builder.scale($0.mirrored, by: 2)) }),
    (.exponential, { $0.u }),
    (.negatedExponential, { $0.mirrored }),
    (.rectifiedProjection, { $0.builder.relu($0.u) }),
    (.elu, { $0.builder.add($0.builder.node("Elu", $0.u), $0.builder.float(1)) }),
    (.relu, { $0.builder.relu($0.u) }),
    (.performer, { $0.performer }),
    (.cosformer, { $0.cosformer }),
    (.taylor, { $0.taylor }),
    (.exponentialOfInput, { $0.builder.scale($0.u, by: Float($0.constant)) }),
  ]

  /// The function of a kind; nil for one that is not known here.
  static func function(of kind: FeatureMapKind) -> Function? {
    functions.first { $0.kind == kind }?.features
  }

  private var negated: ONNXValue { builder.negate(u) }
  private var mirrored: ONNXValue { joined([u, negated]) }

  private func joined(_ parts: [ONNXValue]) -> ONNXValue {
    builder.concatenate(parts, axis: -1)
  }

  /// Logarithms of positive random features: y W − |y|² / 2, y = x / d^¼.
  private var performer: ONNXValue {
    let root = Float(size).squareRoot()
    let squares = builder.sum(builder.multiply(x, x))
    return builder.subtract(
      builder.scale(u, by: 1 / root.squareRoot()), builder.scale(squares, by: 1 / (2 * root)))
  }

  /// [relu(x) cos θ, relu(x) sin θ], θ = π · position / 2c.
  private var cosformer: ONNXValue {
    let rate = Double.pi / (2 * max(1, min(constant, 1e9).rounded(.down)))
    let angles = builder.multiply(positions(), builder.doubles([rate]))
    let rectified = builder.relu(u)
    return joined(
      ["Cos", "Sin"].map {
        builder.multiply(rectified, builder.cast(builder.node($0, angles), to: .float))
      })
  }

  /// [1, y, y ⊗ y / √2], y = x / d^¼; each pair of factors once.
  private var taylor: ONNXValue {
    let y = builder.scale(u, by: 1 / Float(size).squareRoot().squareRoot())
    let pairs = (0..<size).flatMap { a in (a..<size).map { (a, $0) } }
    let factors = pairs.map { $0 == $1 ? Float(0.5).squareRoot() : 1 }
    let products = builder.multiply(
      builder.gather(y, builder.integers(pairs.map(\.0)), axis: -1),
      builder.gather(y, builder.integers(pairs.map(\.1)), axis: -1))
    let first = builder.gather(y, builder.integers([0]), axis: -1)
    let one = builder.add(builder.scale(first, by: 0), builder.float(1))
    return joined([one, y, builder.multiply(products, builder.floats(factors))])
  }
}
