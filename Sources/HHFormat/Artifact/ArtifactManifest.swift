// What an artifact says of itself; the contract is schemas/artifact.schema.json.

/// The manifest of an artifact: what a reader needs, and where the content came from.
///
/// It holds no time, host or absolute path: the same command with the same seed gives the same
/// bytes.
package struct ArtifactManifest: Sendable, Equatable {
  /// The format's version, `major.minor`.
  package struct Version: Sendable, Equatable, CustomStringConvertible {
    /// Readers refuse a higher one.
    package let major: Int
    /// A higher one may bring members that older readers pass over.
    package let minor: Int
    /// The version this program writes.
    package static let current = Version(major: 1, minor: 0)
    package var description: String { "\(major).\(minor)" }
  }

  /// One tensor, as a user sees it.
  package struct Tensor: Sendable, Equatable {
    /// The name, byte for byte as the source spells it.
    package let name: String
    /// The element type, whatever the layout.
    package let dtype: DType
    /// Row-major extents, outermost first; empty for a scalar. Planes are not counted.
    package let shape: [Int]
    /// How the bytes are laid out in the file.
    package let layout: TensorLayout
    /// SHA-256 of the interleaved bytes, in hexadecimal.
    package let sha256: String
    /// Where the values came from.
    package let origin: TensorOrigin
    /// Number of bytes of the interleaved elements.
    package let byteCount: Int
  }

  /// The version the file was written under.
  package let version: Version
  /// Everything but the tensors.
  package let description: ArtifactDescription
  /// Content bytes of a full frame, a multiple of 8.
  package let frameSize: Int
  /// The tensors in the order of the file.
  package let tensors: [Tensor]

  /// Largest frame that is written or read; it bounds what a reader allocates for one frame.
  static let maximumFrameSize = 1 << 26
}

/// Where a tensor's values came from.
package enum TensorOrigin: String, Sendable, CaseIterable {
  /// The source's bytes, unchanged.
  case kept
  /// A tensor of the source whose values were trained on or converted.
  case changed
  /// A tensor that the source does not have, such as a feature map.
  case new
  /// Training state that is no part of the model, such as an optimiser's moments.
  case state
}

/// What an artifact says beside its tensors; the writer's caller makes it.
package struct ArtifactDescription: Sendable, Equatable {
  /// Name and version of the program that wrote the file.
  package struct Producer: Sendable, Equatable {
    package let name: String
    package let version: String
    /// Creates a producer.
    package init(name: String, version: String) {
      self.name = name
      self.version = version
    }
  }

  /// The model's architecture.
  package struct Architecture: Sendable, Equatable {
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

  package var producer: Producer
  package var architecture: Architecture
  /// The feature map of linear attention; nil for a model that has none.
  package var featureMap: FeatureMapDescription?
  package var provenance: Provenance
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

/// Which of the maps called "Hedgehog" the model uses, so that no reader takes one for another.
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
  }

  /// What has a map of its own on the key side.
  package enum Sharing: String, Sendable, CaseIterable {
    case keyValueHead = "key-value-head"
    case queryHead = "query-head"
  }

  /// Where ε goes in φ_q(q)·Σφ_k(k)v / φ_q(q)·Σφ_k(k).
  package enum EpsilonPlacement: String, Sendable, CaseIterable {
    /// Added to the denominator.
    case addedToDenominator = "added-to-denominator"
    /// The denominator is at least ε.
    case denominatorFloor = "denominator-floor"
  }

  package let kind: Kind
  /// Rows of W for one head, d'; the map has twice as many outputs where its kind has two halves.
  package let featureDimension: Int
  /// Whether b exists.
  package let bias: Bool
  package let sharing: Sharing
  package let epsilon: Double
  package let epsilonPlacement: EpsilonPlacement
  /// How W's axes are to be read, as a formula.
  package let orientation: String

  /// The orientation that this program writes.
  package static let defaultOrientation =
    "weight[head, feature, input]: y[h,f] = sum_i weight[h,f,i] * x[h,i] + bias[h,f]"

  /// Creates a description.
  package init(
    kind: Kind, featureDimension: Int, bias: Bool, sharing: Sharing, epsilon: Double,
    epsilonPlacement: EpsilonPlacement, orientation: String = Self.defaultOrientation
  ) {
    self.kind = kind
    self.featureDimension = featureDimension
    self.bias = bias
    self.sharing = sharing
    self.epsilon = epsilon
    self.epsilonPlacement = epsilonPlacement
    self.orientation = orientation
  }
}

/// What an artifact was made from.
package struct Provenance: Sendable, Equatable {
  /// A source file.
  package struct Source: Sendable, Equatable {
    /// The name relative to the model's folder; never an absolute path.
    package let name: String
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
    /// Tokens (or images) used.
    package let tokens: Int
    /// Creates a description of data.
    package init(kind: String, sha256: String?, tokens: Int) {
      self.kind = kind
      self.sha256 = sha256
      self.tokens = tokens
    }
  }

  package let sources: [Source]
  /// Every setting that shaped the result.
  package let recipe: JSONObject
  package let seed: UInt64
  package let data: Data?

  /// Creates a provenance.
  package init(sources: [Source], recipe: JSONObject, seed: UInt64, data: Data? = nil) {
    self.sources = sources
    self.recipe = recipe
    self.seed = seed
    self.data = data
  }
}
