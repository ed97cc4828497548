// Which tensors of two checkpoints belong together.

internal import HHFormat
internal import HHModel

/// The tensors of two checkpoints in pairs: by role where both are models of one architecture, else
/// by name.
struct TensorPairing {
  /// Two tensors that should be equal, or one that the other checkpoint lacks.
  struct Pair {
    let first: TensorDescriptor?
    let second: TensorDescriptor?
    /// Why no model needs the tensor, where that is so.
    let leftOut: String?
  }

  /// In the order of the first checkpoint; then what only the second has.
  let pairs: [Pair]
  /// Both models, where roles decide.
  let models: (first: NameMap, second: NameMap)?
  /// The architectures, where they are known and not the same.
  let architectures: (first: String, second: String)?

  init(_ first: Checkpoint, _ second: Checkpoint) {
    let (a, b) = (Side(first), Side(second))
    if let one = a.names, let two = b.names {
      let names = (one.schema.architecture, two.schema.architecture)
      models = names.0 == names.1 ? (one, two) : nil
      architectures = names.0 == names.1 ? nil : names
    } else {
      (models, architectures) = (nil, nil)
    }
    let byRole = models != nil
    var taken: Set<ByteKey> = []
    var pairs = first.tensors.map { tensor in
      let other = a.counterpart(of: tensor, in: b, byRole: byRole)
      if let other { taken.insert(ByteKey(other.name)) }
      return Pair(first: tensor, second: other, leftOut: byRole ? a.why(tensor) : nil)
    }
    for tensor in second.tensors where !taken.contains(ByteKey(tensor.name)) {
      pairs.append(
        Pair(
          first: b.counterpart(of: tensor, in: a, byRole: byRole), second: tensor,
          leftOut: byRole ? b.why(tensor) : nil))
    }
    self.pairs = pairs
  }

  /// One checkpoint with what its names mean.
  private struct Side {
    let checkpoint: Checkpoint
    /// The tensors' roles; nil for what is no model of a known architecture.
    let names: NameMap?
    private var roles: [ByteKey: String] = [:]
    /// The parameters of feature maps by their roles, which no schema names.
    private var maps: [ByteKey: TensorDescriptor] = [:]
    private var reasons: [ByteKey: String] = [:]

    init(_ checkpoint: Checkpoint) {
      self.checkpoint = checkpoint
      let exported = checkpoint.exportedConfiguration
      let isMap = { (tensor: TensorDescriptor) in
        FeatureMap.isParameter(tensor.name)
          || (exported != nil && tensor.name.contains(FeatureMap.exportedMark))
      }
      do throws(FormatError) {
        names = try NameMap(
          tensors: checkpoint.tensors.filter { !isMap($0) },
          configuration: exported ?? checkpoint.configuration,
          configurationPath: checkpoint.configurationPath, checkpointPath: checkpoint.path)
      } catch {
        // Files that are no model can be compared too, by the names in them.
        names = nil
      }
      for entry in names?.entries ?? [] { roles[ByteKey(entry.tensor.name)] = entry.role }
      for (tensor, why) in names?.dropped ?? [] { reasons[ByteKey(tensor.name)] = why }
      let stems = Self.attentionStems(names)
      for tensor in checkpoint.tensors where isMap(tensor) {
        let role = FeatureMap.role(ofExported: tensor.name, stems) ?? tensor.name
        roles[ByteKey(tensor.name)] = role
        maps[ByteKey(role)] = tensor
      }
    }

    /// For the path of each attention block the beginning of its roles, `layers.0.attention`.
    private static func attentionStems(_ names: NameMap?) -> [ByteKey: String] {
      var stems: [ByteKey: String] = [:]
      for entry in names?.entries ?? [] {
        for suffix in [".query.weight", ".qkv.weight"] where entry.role.hasSuffix(suffix) {
          let path = entry.tensor.name.split(separator: ".").dropLast(2).joined(separator: ".")
          stems[ByteKey(path)] = String(entry.role.dropLast(suffix.count))
        }
      }
      return stems
    }

    /// Why no model needs a tensor, or nil.
    func why(_ tensor: TensorDescriptor) -> String? { reasons[ByteKey(tensor.name)] }

    /// The other side's tensor for the same purpose: of that role, its own or the one it is tied to;
    /// of that name where no role is known.
    func counterpart(
      of tensor: TensorDescriptor, in other: Side, byRole: Bool
    ) -> TensorDescriptor? {
      if byRole, let role = roles[ByteKey(tensor.name)] {
        return other.names?[role]?.tensor ?? other.maps[ByteKey(role)]
      }
      return other.checkpoint[tensor.name]
    }
  }
}

extension FeatureMap {
  /// Whether a name is one that the parameters of feature maps have.
  static func isParameter(_ name: String) -> Bool {
    name.hasPrefix("layers.") && name.contains(".attention.feature_map.")
  }

  /// What parts the name of a parameter in a folder for transformers: before it stands the path of
  /// the attention block.
  fileprivate static let exportedMark = ".feature_map."

  /// The role of a parameter by its name in a folder for transformers; nil for a name of no block.
  fileprivate static func role(
    ofExported name: String, _ stems: [ByteKey: String]
  ) -> String? {
    let parts = name.split(separator: exportedMark, maxSplits: 1)
    guard parts.count == 2, let stem = stems[ByteKey(String(parts[0]))] else { return nil }
    return stem + exportedMark + parts[1]
  }
}

extension Checkpoint {
  /// The configuration of the softmax model behind a folder that was exported for transformers; nil
  /// for any other checkpoint.
  fileprivate var exportedConfiguration: JSONObject? {
    guard ggufFiles.isEmpty, let name = linearAttentionName, var result = configuration else {
      return nil
    }
    result["model_type"] = .string(String(name.dropFirst("hedgehog_".count)))
    let classes = result["architectures"]?.array?.map { value in
      value.string.map { JSONValue.string($0.replacing("Hedgehog", with: "")) } ?? value
    }
    if let classes { result["architectures"] = .array(classes) }
    return result
  }
}
