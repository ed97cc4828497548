// An architecture as data: what its checkpoints call each tensor and what shape it has.
//
// The files are schemas/architectures/*.json, compiled into the program; schemas/README.md
// documents their keys.

/// The description of one architecture, read from `schemas/architectures/NAME.json`.
package struct ArchitectureSchema: Sendable {
  /// What a model consumes and how it attends.
  package enum Kind: String, Sendable {
    /// Token ids, causal attention.
    case decoder
    /// Token ids, bidirectional attention.
    case encoder
    /// Pixels, bidirectional attention.
    case image
  }

  /// The shape of a Transformer block.
  package struct Block: Sendable, Equatable {
    /// `layer` or `rms`.
    package let norm: String
    /// `before` or `after` the sublayer.
    package let normPlacement: String
    /// `learned` or `rotary`.
    package let positions: String
    /// `plain` (up, activation, down) or `gated` (down of activation(gate) × up).
    package let mlp: String
    /// Whether the embeddings are normalised.
    package let embeddingNorm: Bool
    /// Whether the last hidden states are normalised.
    package let finalNorm: Bool
  }

  /// One hyper-parameter and where `config.json` keeps it.
  package struct ConfigurationKey: Sendable {
    package enum ValueType: String, Sendable {
      /// A whole number of at least 1.
      case integer
      /// The same, or a list of two equal ones: height and width.
      case side
      /// A token id; anything else, such as a list of several, counts as none.
      case token
      case number, boolean, string, object

      var isInteger: Bool { self == .integer || self == .side }
    }
    package let name: String
    /// Keys to look under, in order; a dot descends into an object.
    package let keys: [String]
    package let type: ValueType
    /// The class default of the reference implementation; a string may be an expression such as
    /// `4*hiddenSize`.
    package let fallback: JSONValue
    /// False where neither names nor shapes can tell the value, so that a checkpoint without a
    /// configuration must be given one.
    package let isInferable: Bool
    /// Keys of GGUF metadata that hold the value, in order; `{architecture}` is filled in.
    package let gguf: [String]
    /// Whether a GGUF file must have one of them: results depend on the value, and nothing else in
    /// the file tells it.
    package let isRequiredInGGUF: Bool
    /// Keys that other readers want beside the first of `gguf`: written, never read.
    package let ggufWritten: [String]

    /// The key of our own under which a GGUF file keeps what the format has no key for.
    package var ownKey: String { "hh.\(keys.first { !$0.contains(".") } ?? name)" }

    /// How a configuration spells the key: as it does, or as the reference implementation would.
    func spelling(in configuration: JSONObject?) -> String {
      let given = keys.first { path in
        configuration.flatMap { Self.value(at: path, in: $0) } ?? .null != .null
      }
      return given ?? keys.first { !$0.contains(".") } ?? name
    }

    /// The value under the first of the keys that has one.
    func value(in configuration: JSONObject) -> JSONValue? {
      keys.lazy.compactMap { Self.value(at: $0, in: configuration) }.first { $0 != .null }
    }

    private static func value(at path: String, in configuration: JSONObject) -> JSONValue? {
      path.split(separator: ".").reduce(.object(configuration)) { value, key in
        value?[String(key)]
      }
    }
  }

  /// One tensor of the architecture.
  package struct Tensor: Sendable {
    /// When a tensor has to be there.
    package enum Presence: Sendable, Equatable {
      case required
      /// Where the named Boolean hyper-parameter is true, and only there.
      case when(String)
      /// With all other tensors of the group, or with none of them.
      case group(String)
    }
    /// What the tensor is for; `{layer}` stands for the layer's number.
    package let role: String
    /// Names it goes by; `{prefix}` and `{layer}` are filled in.
    package let names: [String]
    /// Extents as names of hyper-parameters, numbers or products of both.
    package let shape: [Extent]
    package let presence: Presence
    /// The role this tensor equals when it is absent.
    package let tiedTo: String?
    /// True where a matrix is stored [input, output] instead of [output, input].
    package let isInputMajor: Bool
    /// The tensor's name in a GGUF file.
    package let gguf: String?
    /// A second name that is read and never written: in models of other classes it means something
    /// else.
    package let ggufRead: String?

    /// Whether the tensor occurs once per layer.
    package var isPerLayer: Bool { role.contains("{layer}") }
  }

  /// A class of the reference implementation that has a head.
  package struct Head: Sendable {
    /// What follows `classPrefix` in the class's name.
    package let suffix: String
    /// What follows it in the names of further classes that are read as this one.
    package let aliases: [String]
    /// The class of transformers that opens such a model.
    package let loader: String
    /// The role of a tensor that only models with this head have.
    package let role: String
    /// The groups of optional tensors that a new model with this head has.
    package let groups: [String]

    /// Whether the head tells classes apart; the others predict tokens.
    package var isClassifier: Bool { role.hasPrefix("classifier.") }
  }

  /// One extent of a shape: `factor` times a named hyper-parameter, or a plain number.
  package struct Extent: Sendable, Equatable {
    package let factor: Int
    package let name: String?
  }

  package let architecture: String
  package let modelTypes: [String]
  package let kind: Kind
  package let block: Block
  /// Tensor names that only this architecture has; a checkpoint with all of them is recognised.
  package let detect: [String]
  package let prefixes: [String]
  /// What the names of the reference implementation's classes begin with.
  package let classPrefix: String
  package let heads: [Head]
  /// Standard deviation of a new model's first weights: `initializer_range` of the reference
  /// implementation.
  package let initializerRange: Double
  /// Ends of the roles whose first weights are divided by √(2 · layers): what they give is added to
  /// the residual stream (Radford et al. 2019).
  package let residualOutputs: [String]
  /// What a GGUF file calls the architecture.
  package let ggufArchitecture: String
  /// The prefix given to the names of a GGUF file's tensors, which have none themselves.
  package let ggufPrefix: String
  /// Old spellings: a file's `from` means `to`.
  package let renames: [(from: String, to: String)]
  package let configuration: [ConfigurationKey]
  /// Settings that must have these values where they occur: others make a model that is not built.
  package let requires: [(key: String, value: JSONValue)]
  package let tensors: [Tensor]
  /// Names that may be left out, with the reason.
  package let dropped: [(name: String, why: String)]

  /// Every architecture the program knows.
  package static func all() throws(FormatError) -> [ArchitectureSchema] { try parsed.get() }

  private static let parsed = Result { () throws(FormatError) in try parseAll() }

  private static let files = [
    ("gpt2", PackageResources.gpt2_json), ("bert", PackageResources.bert_json),
    ("vit", PackageResources.vit_json), ("llama", PackageResources.llama_json),
  ]

  /// The names of all of them.
  package static let names = files.map(\.0)

  private static func parseAll() throws(FormatError) -> [ArchitectureSchema] {
    var schemas: [ArchitectureSchema] = []
    for (name, bytes) in files {
      schemas.append(
        try ArchitectureSchema(parsing: bytes, file: "schemas/architectures/\(name).json"))
    }
    return schemas
  }

  /// The schema of one architecture by its name.
  package static func named(_ name: String) throws(FormatError) -> ArchitectureSchema {
    let schemas = try all()
    if let schema = schemas.first(where: { $0.architecture == name }) { return schema }
    throw FormatError(
      .unsupported, file: name,
      problem: "unknown architecture: expected \(names(of: schemas)), found '\(name)'")
  }

  /// Whether a model may have fewer heads of keys and values than of queries.
  package var hasKeyValueHeads: Bool { configuration.contains { $0.name == "keyValueHeadCount" } }

  /// The classes of the reference implementation that are read, by name.
  package var classNames: [String] {
    [className(nil)]
      + heads.flatMap { head in
        ([head.suffix] + head.aliases).map { classPrefix + $0 }
      }
  }

  /// The head of a class that is read; nil for the class without any.
  func head(ofClass name: String) -> Head? {
    heads.first { head in ([head.suffix] + head.aliases).contains { classPrefix + $0 == name } }
  }

  /// The class of a model with this head, or without any.
  package func className(_ head: Head?) -> String { classPrefix + (head?.suffix ?? "Model") }

  /// The names of the values that a GGUF file shows by the tensors it has.
  package var impliedByTensors: Set<String> {
    var names: Set<String> = ["tiedHead"]
    for tensor in tensors {
      if case .when(let condition) = tensor.presence { names.insert(condition) }
    }
    return names
  }

  /// The known architectures as words for an error message.
  package static func names(of schemas: [ArchitectureSchema]) -> String {
    Format.alternatives(schemas.map(\.architecture))
  }
}
