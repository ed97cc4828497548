// How a model's attention blocks compute linear attention.

/// Which feature map the model uses (several go by the name of Hedgehog) and what stands beside it,
/// so that no reader takes one for another.
package struct LinearAttentionDescription: Sendable, Equatable {
  /// What has a map of its own on the key side.
  package enum Sharing: String, ManifestValue, CaseIterable {
    /// Each key/value head: all query heads of a group share one key map.
    case keyValueHead = "key-value-head"
    /// Each query head.
    case queryHead = "query-head"
    /// Nothing: all queries share one map, and all keys another.
    case allHeads = "all-heads"
  }

  /// Where ε goes in φ_q(q)·Σφ_k(k)v / φ_q(q)·Σφ_k(k).
  package enum EpsilonPlacement: String, ManifestValue, CaseIterable {
    /// Added to the denominator.
    case addedToDenominator = "added-to-denominator"
    /// The denominator is at least ε.
    case denominatorFloor = "denominator-floor"
  }

  /// How the window's parameter x of a head becomes the factor of the window's weights.
  package enum WindowFactor: String, ManifestValue, CaseIterable {
    /// 1 / (1 + e⁻ˣ).
    case sigmoid
    /// eˣ.
    case exponential
  }

  /// What features see of rotary positions.
  package enum Positions: String, ManifestValue, CaseIterable {
    /// Queries and keys turned by them.
    case kept
    /// Queries and keys as they were before.
    case dropped
  }

  /// The name of the function; the models that compute it know which names there are.
  package internal(set) var kind: String
  /// Rows of W for one head, d'; the map has twice as many outputs where its kind has two halves.
  package internal(set) var featureDimension: Int
  /// Whether b exists.
  package internal(set) var bias: Bool
  /// What has a key map of its own.
  package internal(set) var sharing: Sharing
  /// The constant that keeps the quotient finite.
  package internal(set) var epsilon: Double
  /// Where ε goes.
  package internal(set) var epsilonPlacement: EpsilonPlacement
  /// The constant c of maps that have one.
  package internal(set) var constant: Double?
  /// What features see of rotary positions.
  package internal(set) var positions: Positions
  /// Nearest keys of every query that keep their softmax weights; nil for none.
  package internal(set) var window: Int?
  /// First keys of a sequence that keep their softmax weights beside the window; nil for none.
  package internal(set) var sinks: Int?
  /// What the window's parameters are; of no meaning without a window.
  package internal(set) var windowFactor: WindowFactor
  /// Blocks that keep softmax attention, in ascending order.
  package internal(set) var softmaxLayers: [Int]
  /// How W's axes are to be read, as a formula.
  package internal(set) var orientation: String

  /// The orientation that this program writes.
  package static let defaultOrientation =
    "weight[head, input, feature]: y[h,f] = sum_i x[h,i] * weight[h,i,f] + bias[h,f]"

  /// Creates a description.
  package init(
    kind: String, featureDimension: Int, bias: Bool, sharing: Sharing, epsilon: Double,
    epsilonPlacement: EpsilonPlacement, constant: Double? = nil,
    positions: Positions = .kept, window: Int? = nil, sinks: Int? = nil,
    windowFactor: WindowFactor = .sigmoid, softmaxLayers: [Int] = [],
    orientation: String = Self.defaultOrientation
  ) {
    self.kind = kind
    self.featureDimension = featureDimension
    self.bias = bias
    self.sharing = sharing
    self.epsilon = epsilon
    self.epsilonPlacement = epsilonPlacement
    self.constant = constant
    self.positions = positions
    self.window = window
    self.sinks = sinks
    self.windowFactor = window == nil ? .sigmoid : windowFactor
    self.softmaxLayers = softmaxLayers
    self.orientation = orientation
  }
}

extension LinearAttentionDescription {
  /// The description in a line.
  package var summary: String {
    "\(kind), \(featureDimension) features, \(bias ? "bias" : "no bias"),"
      + " per \(sharing.rawValue), epsilon \(epsilon) \(epsilonPlacement.rawValue)"
      + (constant.map { ", constant \($0)" } ?? "")
      + (positions == .kept ? "" : ", positions \(positions.rawValue)")
      + (window.map { ", window \($0)" } ?? "")
      + (sinks.map { ", \($0) sinks" } ?? "")
      + (windowFactor == .sigmoid ? "" : ", \(windowFactor.rawValue) factor")
      + (softmaxLayers.isEmpty ? "" : ", softmax in \(softmaxLayers)")
  }
}
