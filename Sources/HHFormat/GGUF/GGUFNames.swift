// GGUF tensor names and layouts of one architecture, translated by its schema.

/// Translates tensors of a GGUF file into those of a checkpoint.
struct GGUFNames {
  private let schema: ArchitectureSchema
  /// The schema's tensors by GGUF name, with `{layer}` in place of the number.
  private let specs: [ByteKey: ArchitectureSchema.Tensor]
  private let headCount: Int
  private let keyValueHeadCount: Int

  /// `architecture` is the name that prefixes the keys of the metadata.
  init(
    schema: ArchitectureSchema, architecture: String, metadata: GGUFFile
  ) throws(FormatError) {
    self.schema = schema
    var specs: [ByteKey: ArchitectureSchema.Tensor] = [:]
    for spec in schema.tensors {
      for name in [spec.gguf, spec.ggufRead].compactMap(\.self) { specs[ByteKey(name)] = spec }
    }
    self.specs = specs
    let stem = "\(architecture).attention.head_count"
    headCount = try metadata.integer(stem) ?? 0
    keyValueHeadCount = try metadata.integer("\(stem)_kv") ?? headCount
  }

  /// The checkpoint's tensors for a tensor: usually one, three where the file fuses q, k and v. A
  /// name that the schema does not know stays; the later check of names refuses it.
  func views(
    of tensor: GGUFTensor, file: Int, path: String
  ) throws(FormatError) -> [GGUFView] {
    let (pattern, layer) = splitLayer(tensor.name, after: "blk")
    if let map = GGUFLayout.mapNames.first(where: { $0.gguf == pattern }) {
      return [
        GGUFView(tensor, file: file, name: map.name.replacing("{layer}", with: layer))
      ]
    }
    if let spec = specs[ByteKey(pattern)] {
      return [try view(tensor, spec, layer: layer, file: file, path: path)]
    }
    if let parts = fusedParts(pattern), let rows = tensor.shape.first, rows.isMultiple(of: 3) {
      return parts.enumerated().map { number, spec in
        let part = rows / 3
        return GGUFView(
          tensor, file: file, name: name(of: spec, layer: layer),
          shape: [part] + tensor.shape.dropFirst(), rows: part * number..<part * (number + 1),
          order: .asStored)
      }
    }
    return [GGUFView(tensor, file: file)]
  }

  private func name(of spec: ArchitectureSchema.Tensor, layer: String) -> String {
    spec.names[0].replacing("{prefix}", with: schema.ggufPrefix)
      .replacing("{layer}", with: layer)
  }

  /// The tensors of q, k and v where the pattern names a fused matrix or bias, else nil. Only for
  /// models without RoPE, where the rows have the order of the parts.
  private func fusedParts(_ pattern: String) -> [ArchitectureSchema.Tensor]? {
    let stem = "blk.{layer}.attn_qkv."
    guard pattern.hasPrefix(stem), schema.block.positions != "rotary" else { return nil }
    let kind = pattern.dropFirst(stem.count)
    let parts = ["q", "k", "v"].compactMap { specs[ByteKey("blk.{layer}.attn_\($0).\(kind)")] }
    return parts.count == 3 ? parts : nil
  }

  private func view(
    _ tensor: GGUFTensor, _ spec: ArchitectureSchema.Tensor, layer: String, file: Int,
    path: String
  ) throws(FormatError) -> GGUFView {
    let name = name(of: spec, layer: layer)
    if spec.isInputMajor, tensor.shape.count == 2 {
      return GGUFView(
        tensor, file: file, name: name, shape: tensor.shape.reversed(), rows: nil,
        order: .transposed)
    }
    guard
      let heads = schema.rotatedHeads(spec.role, queries: headCount, keys: keyValueHeadCount)
    else {
      return GGUFView(tensor, file: file, name: name, rank: spec.shape.count)
    }
    let rows = tensor.shape.first ?? 0
    // The file's number is not trusted: it is doubled only after a check against the rows.
    guard heads > 0, heads <= rows / 2, rows.isMultiple(of: 2 * heads) else {
      throw FormatError(
        .badData, file: path, place: "tensor \(quoted(tensor.name))",
        problem: "expected rows in a multiple of twice the number of heads, \(heads), found"
          + " shape \(tensor.shape)")
    }
    return GGUFView(
      tensor, file: file, name: name, shape: tensor.shape, rows: nil,
      order: .interleaved(heads: heads))
  }
}
