// What an artifact says beside its tensors: model, feature map, provenance, stages.

/// What an artifact says beside its tensors; the writer's caller makes it.
package struct ArtifactDescription: Sendable, Equatable {
  /// Name and version of the program that wrote the file.
  package struct Producer: Sendable, Equatable {
    /// The program.
    package let name: String
    /// Its version.
    package let version: String
    /// Creates a producer.
    package init(name: String, version: String) {
      self.name = name
      self.version = version
    }
  }

  /// The model's architecture.
  package struct Architecture: Sendable, Equatable {
    /// Levels of nesting that a configuration may have: the manifest holds it two levels down.
    package static let maximumDepth = JSONReader.maximumDepth - 2
    /// Its name in schemas/architectures.
    package let name: String
    /// The source's configuration, carried through.
    package let config: JSONObject
    /// Creates an architecture.
    package init(name: String, config: JSONObject) {
      self.name = name
      self.config = config
    }
  }

  /// A stage that was run, with what was measured.
  package struct Stage: Sendable, Equatable {
    /// Such as `distil` or `finetune`.
    package let name: String
    /// Losses by name.
    package let losses: JSONObject
    /// Qualities by name.
    package let qualities: JSONObject
    /// Creates a record.
    package init(name: String, losses: JSONObject = [:], qualities: JSONObject = [:]) {
      self.name = name
      self.losses = losses
      self.qualities = qualities
    }
  }

  /// Who wrote the file.
  package var producer: Producer
  /// The model's architecture and configuration.
  package var architecture: Architecture
  /// The feature map of linear attention; nil for a model that has none.
  package var featureMap: FeatureMapDescription?
  /// What the model was made from.
  package var provenance: Provenance
  /// The stages that were run, in order.
  package var stages: [Stage]
  /// State of a run that is not finished (step, generator, data position); nil in a finished one.
  package var state: JSONObject?

  /// Creates a description.
  package init(
    producer: Producer, architecture: Architecture, featureMap: FeatureMapDescription? = nil,
    provenance: Provenance, stages: [Stage] = [], state: JSONObject? = nil
  ) {
    self.producer = producer
    self.architecture = architecture
    self.featureMap = featureMap
    self.provenance = provenance
    self.stages = stages
    self.state = state
  }
}

/// Which feature map the model uses (several go by the name of Hedgehog) and what stands beside it,
/// so that no reader takes one for another.
package struct FeatureMapDescription: Sendable, Equatable {
  /// The function.
  package enum Kind: String, Sendable, CaseIterable {
    /// [softmax(Wx + b), softmax(-(Wx + b))], two separate softmaxes.
    case splitSoftmax = "hedgehog-softmax-split"
    /// One softmax over [2(Wx + b), -2(Wx + b)].
    case jointSoftmax = "hedgehog-softmax-joint"
    /// exp(Wx + b).
    case exponential = "hedgehog-exponential"
    /// [exp(Wx + b), exp(-(Wx + b))].
    case negatedExponential = "hedgehog-exponential-negated"
    /// max(Wx + b, 0).
    case rectifiedProjection = "t2r"
    /// 1 + elu(x).
    case elu
    /// max(x, 0).
    case relu
    /// exp(yω − |y|²/2), y = x / d^¼, with random directions ω, which are W.
    case performer
    /// [max(x, 0) cos θ, max(x, 0) sin θ], θ = π · position / 2c.
    case cosformer
    /// [1, y, y ⊗ y / √2], y = x / d^¼, each pair of factors once, multiplied by √2.
    case taylor
    /// exp(cx).
    case exponentialOfInput = "exponential"
  }

  /// What has a map of its own on the key side.
  package enum Sharing: String, Sendable, CaseIterable {
    /// Each key/value head: all query heads of a group share one key map.
    case keyValueHead = "key-value-head"
    /// Each query head.
    case queryHead = "query-head"
    /// Nothing: all queries share one map, and all keys another.
    case allHeads = "all-heads"
  }

  /// Where ε goes in φ_q(q)·Σφ_k(k)v / φ_q(q)·Σφ_k(k).
  package enum EpsilonPlacement: String, Sendable, CaseIterable {
    /// Added to the denominator.
    case addedToDenominator = "added-to-denominator"
    /// The denominator is at least ε.
    case denominatorFloor = "denominator-floor"
  }

  /// The function.
  package let kind: Kind
  /// Rows of W for one head, d'; the map has twice as many outputs where its kind has two halves.
  package let featureDimension: Int
  /// Whether b exists.
  package let bias: Bool
  /// What has a key map of its own.
  package let sharing: Sharing
  /// The constant that keeps the quotient finite.
  package let epsilon: Double
  /// Where ε goes.
  package let epsilonPlacement: EpsilonPlacement
  /// The constant c of maps that have one.
  package let constant: Double?
  /// Nearest keys of every query that keep their softmax weights; nil for none.
  package let window: Int?
  /// Blocks that keep softmax attention, in ascending order.
  package let softmaxLayers: [Int]
  /// How W's axes are to be read, as a formula.
  package let orientation: String

  /// The orientation that this program writes.
  package static let defaultOrientation =
    "weight[head, input, feature]: y[h,f] = sum_i x[h,i] * weight[h,i,f] + bias[h,f]"

  /// Creates a description.
  package init(
    kind: Kind, featureDimension: Int, bias: Bool, sharing: Sharing, epsilon: Double,
    epsilonPlacement: EpsilonPlacement, constant: Double? = nil, window: Int? = nil,
    softmaxLayers: [Int] = [], orientation: String = Self.defaultOrientation
  ) {
    self.kind = kind
    self.featureDimension = featureDimension
    self.bias = bias
    self.sharing = sharing
    self.epsilon = epsilon
    self.epsilonPlacement = epsilonPlacement
    self.constant = constant
    self.window = window
    self.softmaxLayers = softmaxLayers
    self.orientation = orientation
  }
}

extension FeatureMapDescription {
  /// The description in a line.
  package var summary: String {
    "\(kind.rawValue), \(featureDimension) features, \(bias ? "bias" : "no bias"),"
      + " per \(sharing.rawValue), epsilon \(epsilon) \(epsilonPlacement.rawValue)"
      + (constant.map { ", constant \($0)" } ?? "") + (window.map { ", window \($0)" } ?? "")
      + (softmaxLayers.isEmpty ? "" : ", softmax in \(softmaxLayers)")
  }
}

/// What an artifact was made from.
package struct Provenance: Sendable, Equatable {
  /// A source file.
  package struct Source: Sendable, Equatable {
    /// The name relative to the model's folder; never an absolute path.
    package let name: String
    /// The file's size.
    package let bytes: Int
    /// In hexadecimal.
    package let sha256: String
    /// Creates a source.
    package init(name: String, bytes: Int, sha256: String) {
      self.name = name
      self.bytes = bytes
      self.sha256 = sha256
    }
  }

  /// What the model was distilled or trained on.
  package struct Data: Sendable, Equatable {
    /// Such as `tokens`, `text`, `sampled` or `synthetic`.
    package let kind: String
    /// Digest of the data, where it is a file.
    package let sha256: String?
    /// Tokens, or positions of images, that training went through.
    package let tokens: Int
    /// Creates a description of data.
    package init(kind: String, sha256: String?, tokens: Int) {
      self.kind = kind
      self.sha256 = sha256
      self.tokens = tokens
    }
  }

  /// The files that the weights came from.
  package let sources: [Source]
  /// Every setting that shaped the result.
  package let recipe: JSONObject
  /// The seed of every random choice.
  package let seed: UInt64
  /// The data used; nil where none was.
  package let data: Data?

  /// Creates a provenance.
  package init(sources: [Source], recipe: JSONObject, seed: UInt64, data: Data? = nil) {
    self.sources = sources
    self.recipe = recipe
    self.seed = seed
    self.data = data
  }
}
