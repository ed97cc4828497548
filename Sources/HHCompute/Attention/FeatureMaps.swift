// The feature maps of one layer: a function, its parameters head by head, and the window beside it.

internal import Glibc

/// What the linear attention of a layer computes, but for the numbers.
package struct LinearAttentionShape: Sendable {
  /// What has maps of its own.
  package enum Sharing: Sendable {
    /// Each query head, and each key/value head.
    case keyValueHead
    /// Each query head, on the key side too.
    case queryHead
    /// One map for all queries, one for all keys.
    case allHeads
  }

  /// How the parameter of a window becomes the factor of its weights.
  package enum WindowFactor: Sendable {
    /// σ(x), as LoLCATs has it: the window counts at most as much as its softmax says.
    case sigmoid
    /// eˣ: features that are softmaxes themselves give many far keys more weight together than a
    /// trained head leaves them, by up to a thousand times.
    case exponential

    /// The factor.
    func value(_ x: Float) -> Float {
      switch self {
      case .sigmoid: 1 / (1 + expf(-x))
      case .exponential: expf(x)
      }
    }

    /// The derivative where the factor is `value`.
    func slope(_ value: Float) -> Float {
      switch self {
      case .sigmoid: value * (1 - value)
      case .exponential: value
      }
    }

    /// The parameter of a layer before training: LoLCATs' factor of 0.1, or 1.
    var start: Float {
      switch self {
      case .sigmoid: logf(0.1 / 0.9)
      case .exponential: 0
      }
    }
  }

  /// A parameter of the layer.
  package struct Parameter: Sendable, Equatable {
    /// Such as `query.weight`.
    package let name: String
    package let shape: [Int]
    package let isTrained: Bool
  }

  package internal(set) var function: any FeatureFunction
  package let sharing: Sharing
  package internal(set) var queryHeads: Int
  package internal(set) var keyValueHeads: Int
  package let headSize: Int
  /// Nearest keys of a query that keep their softmax weights; 0 for none.
  package internal(set) var window: Int
  /// First keys of a sequence that keep their softmax weights beside the window; 0 for none.
  package internal(set) var sinks: Int
  /// What the window's parameter is.
  package let windowFactor: WindowFactor
  /// Added to the denominator.
  package let epsilon: Float

  /// The ε of the definition: far below any denominator that a healthy map produces.
  package static let defaultEpsilon: Float = 1e-12

  /// Describes a layer. A window needs a causal mask, and a function without scales; sinks need a
  /// window.
  package init(
    function: any FeatureFunction, sharing: Sharing = .keyValueHead, queryHeads: Int,
    keyValueHeads: Int, headSize: Int, window: Int = 0, sinks: Int = 0,
    windowFactor: WindowFactor = .exponential, epsilon: Float = defaultEpsilon
  ) {
    precondition(
      keyValueHeads > 0 && queryHeads > 0 && queryHeads.isMultiple(of: keyValueHeads)
        && headSize > 0 && window >= 0 && sinks >= 0, "LinearAttentionShape: sizes")
    precondition(window > 0 || sinks == 0, "sinks go with a window")
    precondition(
      window == 0 || !function.storesLogScales, "a window goes with features without scales")
    self.function = function
    self.sharing = sharing
    self.queryHeads = queryHeads
    self.keyValueHeads = keyValueHeads
    self.headSize = headSize
    self.window = window
    self.sinks = sinks
    self.windowFactor = windowFactor
    self.epsilon = epsilon
  }

  /// The shape of one key/value head, with the query heads that share it.
  package var ofOneGroup: LinearAttentionShape {
    var shape = self
    (shape.queryHeads, shape.keyValueHeads) = (queryHeads / keyValueHeads, 1)
    return shape
  }

  /// Features of a query or key.
  package var features: Int { function.featureCount(headSize: headSize) }
  /// Heads that have a state of their own.
  package var stateHeads: Int { sharing == .queryHead ? queryHeads : keyValueHeads }
  /// Query heads that read one state.
  var group: Int { queryHeads / stateHeads }
  var queryMaps: Int { sharing == .allHeads ? 1 : queryHeads }
  var keyMaps: Int { sharing == .allHeads ? 1 : stateHeads }
  func queryMap(_ head: Int) -> Int { sharing == .allHeads ? 0 : head }
  func keyMap(_ stateHead: Int) -> Int { sharing == .allHeads ? 0 : stateHead }

  /// Floats that a sequence's past needs: sums per state head, and the keys and values of window and
  /// sinks.
  package var stateCount: Int {
    stateHeads * features * (headSize + 1)
      + 2 * (sinks + max(0, window - 1)) * keyValueHeads * headSize
  }

  /// The layer's parameters: those of the queries, of the keys, and the window's factors.
  ///
  /// A map's own shape follows the number of maps, so that a weight is [maps, head size, features].
  /// `windowFactor` says how the window's parameter of each query head becomes its factor.
  package var parameters: [Parameter] {
    let ofMap = function.parameters(headSize: headSize)
    return [("query", queryMaps), ("key", keyMaps)].flatMap { side, maps in
      ofMap.map {
        Parameter(name: "\(side).\($0.name)", shape: [maps] + $0.shape, isTrained: $0.isTrained)
      }
    } + (window > 0 ? [Parameter(name: "window", shape: [queryHeads], isTrained: true)] : [])
  }
}

/// The feature maps of a layer's queries and keys with their parameters.
package struct FeatureMaps: Sendable {
  /// What the layer computes.
  package let design: LinearAttentionShape
  /// The values of `design.parameters`, in that order.
  package let parameters: [FloatBuffer]
  /// The parameters of each query map and of each key map, one row each.
  let queryRows: [[Matrix]]
  let keyRows: [[Matrix]]

  /// Creates maps with their initial values.
  package init(_ design: LinearAttentionShape) {
    self.design = design
    let initial = design.function.initialValues(headSize: design.headSize)
    var parameters: [FloatBuffer] = []
    for maps in [design.queryMaps, design.keyMaps] {
      for values in initial {
        parameters.append(FloatBuffer([[Float]](repeating: values, count: maps).flatMap(\.self)))
      }
    }
    if design.window > 0 {
      parameters.append(
        FloatBuffer([Float](repeating: design.windowFactor.start, count: design.queryHeads)))
    }
    self.parameters = parameters
    func rows(_ first: Int, maps: Int) -> [[Matrix]] {
      (0..<maps).map { map in
        parameters[first..<first + initial.count].map { buffer in
          let count = buffer.count / maps
          return Matrix(buffer, offset: map * count, rows: 1, columns: count)
        }
      }
    }
    queryRows = rows(0, maps: design.queryMaps)
    keyRows = rows(initial.count, maps: design.keyMaps)
  }

  /// The parameters that are trained.
  package var trained: [FloatBuffer] {
    zip(design.parameters, parameters).filter(\.0.isTrained).map(\.1)
  }

  /// Whether every parameter is a number.
  package var isFinite: Bool { parameters.allSatisfy(\.isFinite) }

  /// The window's parameter of each query head; nil without a window.
  package var window: FloatBuffer? { design.window > 0 ? parameters.last : nil }

  /// The factor of the window's weights for each query head.
  package var windowFactors: [Float] {
    guard let parameter = window else { return [Float](repeating: 0, count: design.queryHeads) }
    return parameter.values.map(design.windowFactor.value)
  }

  func check(_ shape: AttentionShape) {
    precondition(
      design.queryHeads == shape.queryHeads && design.keyValueHeads == shape.keyValueHeads
        && design.headSize == shape.headSize && (design.window == 0 || shape.causal),
      "FeatureMaps: the maps do not fit the attention's shape")
  }
}
