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
  package var linearAttention: LinearAttentionDescription?
  /// What the model was made from.
  package var provenance: Provenance
  /// The stages that were run, in order.
  package var stages: [Stage]
  /// State of a run that is not finished (step, generator, data position); nil in a finished one.
  package var state: JSONObject?

  /// Creates a description.
  package init(
    producer: Producer, architecture: Architecture,
    linearAttention: LinearAttentionDescription? = nil,
    provenance: Provenance, stages: [Stage] = [], state: JSONObject? = nil
  ) {
    self.producer = producer
    self.architecture = architecture
    self.linearAttention = linearAttention
    self.provenance = provenance
    self.stages = stages
    self.state = state
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
