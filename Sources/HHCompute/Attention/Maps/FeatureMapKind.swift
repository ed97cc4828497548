// The feature maps that there are. Each is described in the file that computes it.

/// A kind of feature map: what files, recipes and options call it, and what a layer computes.
///
/// To add one, write a file in this folder that computes and describes it, and list it in `allCases`.
package struct FeatureMapKind: Sendable, RawRepresentable, CaseIterable {
  /// Where the matrix W that comes before the function has its values from.
  package enum Projection: Sendable {
    /// There is no W.
    case none
    /// W is trained, and b, where there is one.
    case trained
    /// W is drawn at random and kept.
    case random
  }

  /// The constant c of the function.
  package enum Constant: Sendable {
    /// There is no c.
    case none
    /// A number, with its default.
    case number(Double)
    /// A number of positions; the default is the model's longest sequence.
    case positions
  }

  /// What a layer chooses of the function.
  package struct Choices: Sendable {
    /// Columns of W.
    package var featureSize = 1
    /// Whether b exists.
    package var hasBias = true
    /// The constant c.
    package var constant = 1.0
    /// What random directions are drawn from.
    package var seed: UInt64 = 0

    /// Gathers the choices of a layer.
    package init(
      featureSize: Int = 1, hasBias: Bool = true, constant: Double = 1, seed: UInt64 = 0
    ) {
      (self.featureSize, self.hasBias) = (featureSize, hasBias)
      (self.constant, self.seed) = (constant, seed)
    }
  }

  /// The function as exported models compute it, in PyTorch.
  package struct Python: Sendable {
    /// What gives the features, or their logarithms where the function stores those: a callable that
    /// takes u = xW + b, and x, `positions` and `constant` by name.
    package let features: String
    /// Definitions that `features` needs; empty for none.
    package let definitions: String

    init(_ features: String, definitions: String = "") {
      (self.features, self.definitions) = (features, definitions)
    }
  }

  /// Every kind, in the order in which lists show them; the first is the default.
  package static let allCases: [FeatureMapKind] = [
    .splitSoftmax, .jointSoftmax, .exponential, .negatedExponential, .rectifiedProjection,
    .elu, .relu, .performer, .cosformer, .taylor, .exponentialOfInput,
  ]

  /// The name in artifacts, recipes and options.
  package let rawValue: String
  /// Where W has its values from.
  package let projection: Projection
  /// The constant.
  package let constant: Constant
  /// φ(x) as text, given u, which is `xW + b`, `xW` or `x`, and the constant.
  package let formula: @Sendable (_ u: String, _ constant: Double) -> String
  /// The function in PyTorch.
  package let python: Python
  /// The function of a layer.
  package let function: @Sendable (Choices) -> any FeatureFunction

  init(
    _ name: String, projection: Projection = .none, constant: Constant = .none,
    formula: @escaping @Sendable (_ u: String, _ constant: Double) -> String, python: Python,
    function: @escaping @Sendable (Choices) -> any FeatureFunction
  ) {
    rawValue = name
    (self.projection, self.constant) = (projection, constant)
    (self.formula, self.python, self.function) = (formula, python, function)
  }

  /// The kind of that name.
  package init?(rawValue: String) {
    guard let kind = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = kind
  }

  /// Whether the number of features can be chosen.
  package var hasDimension: Bool { projection != .none }
  /// Whether a bias can be added before the function.
  package var canHaveBias: Bool { projection == .trained }
  /// Whether the function has directions that are drawn at random.
  package var isRandom: Bool { projection == .random }
  /// Whether the function has a constant.
  package var hasConstant: Bool { if case .none = constant { false } else { true } }
  /// Whether features may be of any size, so that they are kept by their logarithms.
  package var storesLogScales: Bool { function(Choices()).storesLogScales }
}

extension FeatureMapKind: Equatable, CustomStringConvertible {
  package static func == (a: Self, b: Self) -> Bool { a.rawValue == b.rawValue }
  package var description: String { rawValue }
}
