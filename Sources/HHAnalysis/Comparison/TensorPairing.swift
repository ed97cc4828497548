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
        LinearAttentionLayer.isParameter(tensor.name)
          || (exported != nil && LinearAttentionLayer.isExportedParameter(tensor.name))
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
      let stems = names?.attentionStems ?? [:]
      for tensor in checkpoint.tensors where isMap(tensor) {
        let role = LinearAttentionLayer.role(ofExported: tensor.name, stems) ?? tensor.name
        roles[ByteKey(tensor.name)] = role
        maps[ByteKey(role)] = tensor
      }
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
