// The element type of each tensor of a GGUF file.

/// The choice of element types for a model.
///
/// Vectors, norms, feature maps and the embeddings of positions, token types, class and patches are
/// F32, as in llama.cpp's converter: they are small, and its kernels expect it. Every other matrix
/// gets the wanted type, or the next one that fits where its rows are not whole blocks. As in
/// llama.cpp's quantiser, the matrix that gives the logits has at least the bits of Q6_K.
package struct GGUFTypePolicy: Sendable {
  /// The type asked for; nil keeps each tensor's own.
  package let wanted: GGMLType?

  /// Creates a policy.
  package init(_ wanted: GGMLType?) { self.wanted = wanted }

  /// The type of a tensor. `isHead` says whether it gives the logits.
  package func type(of tensor: GGUFLayout.Tensor, isHead: Bool) -> GGMLType {
    guard isMatrix(tensor), let wanted else {
      return ownType(of: tensor)
    }
    guard wanted.dtype == nil else { return wanted }
    let row = tensor.columnCount
    let least: GGMLType =
      isHead && wanted.bitsPerElement < GGMLType.q6K.bitsPerElement ? .q6K : wanted
    var candidate: GGMLType? = least
    while let type = candidate {
      if row.isMultiple(of: type.elementsPerBlock) { return type }
      candidate = type.fallback
    }
    return .f16
  }

  /// Whether a tensor gets the wanted type.
  package func isMatrix(_ tensor: GGUFLayout.Tensor) -> Bool {
    let isWeight = !tensor.role.hasPrefix("embedding.") || tensor.role == "embedding.token.weight"
    return tensor.shape.count == 2 && isWeight && !tensor.role.contains(".feature_map.")
  }

  /// The type where none is wanted: the tensor's own for a matrix, F32 for what is always F32.
  private func ownType(of tensor: GGUFLayout.Tensor) -> GGMLType {
    if tensor.source.dtype.isComputable, !isMatrix(tensor) { return .f32 }
    return GGMLType.allCases.first { $0.dtype == tensor.source.dtype } ?? .f32
  }
}
