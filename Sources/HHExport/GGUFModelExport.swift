// A model as a GGUF file: names, layouts, element types and metadata of that format.

internal import HHCompute
package import HHData
package import HHFormat

/// The plan of one GGUF export, made and checked before anything is written.
package struct GGUFModelExport {
  /// What to export and how.
  package struct Options: Sendable {
    /// The type of the large matrices; nil keeps each tensor's own.
    package var type: GGMLType?
    /// The name of the model in the metadata.
    package var name = "model"
    /// Leaves tensors out that GGUF has no names for: heads of encoders.
    package var dropsHead = false
    /// Most bytes of tensors in one file of several; nil for one file.
    package var shardSize: Int?
    /// Whether existing files may be replaced.
    package var replacing = false

    /// The default options.
    package init() {}
  }

  /// The tensors and their types, in the order of the file.
  package let tensors: [(layout: GGUFLayout.Tensor, type: GGMLType)]
  /// Tensors that get another type than the wanted one, by that type: their rows are not a whole
  /// number of the wanted type's blocks.
  package let fallbacks: [(type: GGMLType, tensors: [String])]
  /// The metadata in order.
  package let metadata: [GGUFKeyValue]

  private let checkpoint: Checkpoint
  private let names: NameMap
  private let options: Options
  private let frequencyFactors: [Float]?

  /// Plans an export.
  ///
  /// - Parameters:
  ///   - checkpoint: Holds the tensors.
  ///   - names: The model's tensors by role.
  ///   - maps: The parameters of the feature maps, named by their roles; none for a softmax model.
  ///   - linearAttention: What the maps are; nil for a softmax model.
  ///   - tokenizer: The model's tokenizer, if it has one.
  ///   - files: The files that go with the model: how it takes images, and the metadata of the GGUF
  ///     file that it came from.
  ///   - options: What the user chose.
  /// - Throws: `unsupported` where the format cannot say what the model is, naming the setting or
  ///   the tensors; `badData` where model and tokenizer contradict each other.
  package init(
    checkpoint: Checkpoint, names: NameMap, maps: [TensorDescriptor] = [],
    linearAttention: LinearAttentionDescription? = nil, tokenizer: (any Tokenizer)? = nil,
    files: ModelFiles, options: Options = Options()
  ) throws(FormatError) {
    let keys = GGUFKeys(names: names, linearAttention: linearAttention)
    var layout = GGUFLayout(names, maps: maps).tensors
    let own = layout.filter(\.isHedgehogExtension)
    if !keys.isHedgehogExtension, !own.isEmpty {
      guard options.dropsHead else { throw Self.headError(own, checkpoint, keys.architecture) }
      layout.removeAll(where: \.isHedgehogExtension)
    }
    let policy = GGUFTypePolicy(options.type)
    let isTied = names.schema.kind == .decoder && !names.holds("head.weight")
    tensors = layout.map { tensor in
      let isHead =
        tensor.role == "head.weight" || (isTied && tensor.role == "embedding.token.weight")
      let kept = options.type == nil ? Self.blocks(of: tensor, in: checkpoint) : nil
      return (tensor, kept ?? policy.type(of: tensor, isHead: isHead))
    }
    fallbacks = policy.fallbacks(among: tensors)
    for (tensor, type) in tensors where !tensor.canBeStored(as: type) {
      throw FormatError(
        .unsupported, file: checkpoint.path, place: "tensor \(quoted(tensor.source.name))",
        problem: "expected F32, F16 or BF16 to store as \(type.name), found "
          + tensor.source.dtype.rawValue)
    }
    frequencyFactors = try keys.frequencyFactors()
    let matrices = tensors.filter { policy.isMatrix($0.layout) }
    metadata = try Self.metadata(
      keys, types: (matrices.isEmpty ? tensors : matrices).map(\.type), tokenizer: tokenizer,
      files: files, options: options, file: checkpoint.path)
    self.checkpoint = checkpoint
    self.names = names
    self.options = options
  }

  /// The quantised type whose blocks the checkpoint has for a tensor, where a file can take them as
  /// they are.
  static func blocks(of tensor: GGUFLayout.Tensor, in checkpoint: Checkpoint) -> GGMLType? {
    tensor.keepsBlocks ? checkpoint.blockType(of: tensor.source.name) : nil
  }

  private static func headError(
    _ tensors: [GGUFLayout.Tensor], _ checkpoint: Checkpoint, _ architecture: String
  ) -> FormatError {
    let found = tensors.prefix(3).map { quoted($0.source.name) }.joined(separator: ", ")
    return FormatError(
      .unsupported, file: checkpoint.path, place: "GGUF",
      problem: "expected only tensors that the GGUF architecture '\(architecture)' has names for,"
        + " found \(found)" + (tensors.count > 3 ? " and \(tensors.count - 3) more" : ""),
      remedy: "leave the head out with \(.dropHead), or export to hf or safetensors, which keep it")
  }

  /// General keys, the architecture's, the tokenizer's, and those of a GGUF source that none of
  /// them replaces. `types` are those of the matrices.
  private static func metadata(
    _ keys: GGUFKeys, types: [GGMLType], tokenizer: (any Tokenizer)?, files: ModelFiles,
    options: Options, file: String
  ) throws(FormatError) -> [GGUFKeyValue] {
    let carried = try files.gguf?.keyValues() ?? []
    var result: [GGUFKeyValue] = [
      .string("general.architecture", keys.architecture), .string("general.type", "model"),
    ]
    if !carried.contains(where: { $0.key == "general.name" }) {
      result.append(.string("general.name", options.name))
    }
    if let type = mostFrequent(types), let number = type.fileType {
      result.append(.uint32("general.file_type", number))
    }
    result.append(.uint32("general.quantization_version", 2))
    result += try keys.architectureKeys()
    if keys.names.schema.kind == .image { result += try keys.imageKeys(files) }
    if let tokenizer, !carried.contains(where: { $0.key == "tokenizer.ggml.tokens" }) {
      let size = keys.names.hyperparameters.integer("vocabularySize")
      result += try GGUFVocabulary(tokenizer, file: file)
        .keyValues(for: tokenizer, size: size, file: file)
    }
    let known = Set(result.map(\.key) + carried.map(\.key))
    result += keys.tokenKeys().filter { !known.contains($0.key) }
    var written = Set(result.map(\.key))
    // How files are laid out is for this writer to say, and keys that it leaves out it leaves out
    // on purpose.
    written.formUnion(["general.alignment", "general.file_type"])
    let own = "\(keys.names.schema.ggufArchitecture)."
    for entry in carried where !entry.key.hasPrefix("split.") {
      let key =
        entry.key.hasPrefix(own)
        ? "\(keys.architecture).\(entry.key.dropFirst(own.count))" : entry.key
      guard !keys.isDerived(key) else { continue }
      if written.insert(key).inserted { result.append(entry.renamed(key)) }
    }
    return result
  }

  /// The type that occurs most often; of several equally frequent ones that of the lowest number,
  /// so that the same model gives the same file.
  static func mostFrequent(_ types: [GGMLType]) -> GGMLType? {
    var counts: [GGMLType: Int] = [:]
    for type in types { counts[type, default: 0] += 1 }
    let most = counts.values.max()
    return counts.keys.filter { counts[$0] == most }.min { $0.rawValue < $1.rawValue }
  }

  /// What the file declares: the divisors of rotary frequencies first, then the tensors.
  private var declarations: [GGUFWriter.Declaration] {
    let factors = frequencyFactors.map {
      [GGUFWriter.Declaration(name: "rope_freqs.weight", type: .f32, shape: [$0.count])]
    }
    return (factors ?? [])
      + tensors.map {
        GGUFWriter.Declaration(name: $0.layout.name, type: $0.type, shape: $0.layout.shape)
      }
  }

  /// Bytes of all tensors in the file.
  package var byteCount: Int { declarations.reduce(0) { $0 + ($1.byteCount ?? 0) } }

  /// Writes the file, or the files. No more than one tensor is in memory.
  ///
  /// - Parameters:
  ///   - path: `NAME.gguf`; several files are `NAME-00001-of-0000N.gguf`.
  ///   - progress: Called at every tensor with the bytes written so far; what it throws stops the
  ///     writing and is rethrown.
  /// - Returns: The paths of the files.
  /// - Throws: `badData` naming a tensor whose values the type cannot hold; `cannotCreate`, `io`.
  package func write(
    to path: String, progress: (Int) throws -> Void = { _ in }
  ) throws -> [String] {
    var stop: (any Error)?
    var written = 0
    let factors = frequencyFactors ?? []
    let first = frequencyFactors == nil ? 0 : 1
    do {
      return try GGUFWriter.write(
        to: path, metadata: metadata, tensors: declarations, replacing: options.replacing,
        shardSize: options.shardSize
      ) { index, sink throws(FormatError) in
        if index < first {
          let span = factors.span
          // Safe: floats have no padding.
          try sink(unsafe span.bytes)
          return
        }
        let (tensor, type) = tensors[index - first]
        func count(_ bytes: RawSpan) throws(FormatError) {
          try sink(bytes)
          written += bytes.byteCount
        }
        let name = tensor.source.name
        if type == Self.blocks(of: tensor, in: checkpoint),
          let size = type.byteCount(ofElements: tensor.source.elementCount)
        {
          try checkpoint.withBlocks(of: name, in: 0..<size) { (blocks) throws(FormatError) in
            try tensor.store(blocks: blocks, to: count)
          }
        } else {
          try checkpoint.withBytes(of: name) { (bytes) throws(FormatError) in
            try tensor.encode(as: type, bytes, file: checkpoint.path, to: count)
          }
        }
        do {
          try progress(written)
        } catch {
          stop = error
          throw FormatError(.io, file: path, problem: "the writing was stopped")
        }
      }
    } catch {
      throw stop ?? error
    }
  }
}

extension GGUFTypePolicy {
  /// The matrices that got another type than the wanted one because of their rows, by that type.
  func fallbacks(
    among tensors: [(layout: GGUFLayout.Tensor, type: GGMLType)]
  ) -> [(type: GGMLType, tensors: [String])] {
    guard let wanted, wanted.dtype == nil else { return [] }
    let others = tensors.filter { tensor, type in
      type != .f32 && !tensor.columnCount.isMultiple(of: wanted.elementsPerBlock)
    }
    return GGMLType.allCases.compactMap { type in
      let names = others.filter { $0.type == type }.map(\.layout.name)
      return names.isEmpty ? nil : (type, names)
    }
  }
}
