// Which tensor of a GGUF file is stored in which type.

/// The choice of element types for a model.
///
/// Vectors, norms, position, token type, class and patch embeddings and feature maps are F32, as
/// llama.cpp's converter has them: they are small, and its kernels expect it. Every other matrix
/// gets the wanted type, or the next one that fits where its rows are no whole number of blocks.
/// The matrix that gives the logits is not stored below Q6_K, as with llama.cpp's quantiser.
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

  /// Whether a tensor is one of those that the wanted type is for.
  package func isMatrix(_ tensor: GGUFLayout.Tensor) -> Bool {
    let isWeight = !tensor.role.hasPrefix("embedding.") || tensor.role == "embedding.token.weight"
    return tensor.shape.count == 2 && isWeight && !tensor.role.contains(".feature_map.")
  }

  /// The type without a wish: the tensor's own for a matrix, F32 for what is always F32.
  private func ownType(of tensor: GGUFLayout.Tensor) -> GGMLType {
    if tensor.source.dtype.isComputable, !isMatrix(tensor) { return .f32 }
    return GGMLType.allCases.first { $0.dtype == tensor.source.dtype } ?? .f32
  }
}

extension GGMLType {
  /// Bits of an element, scales included.
  var bitsPerElement: Double { Double(8 * bytesPerBlock) / Double(elementsPerBlock) }

  /// The type with shorter blocks that comes nearest, as llama.cpp's quantiser chooses it; nil
  /// where the blocks are short already.
  var fallback: GGMLType? {
    switch self {
    case .q2K, .q3K, .tq1_0, .tq2_0: .q4_0
    case .q4K: .q5_0
    case .q5K: .q5_1
    case .q6K: .q8_0
    default: nil
    }
  }

  /// The number of `general.file_type` for a model mostly in this type (`llama_ftype` of
  /// llama.cpp); nil where it has none.
  package var fileType: UInt32? {
    switch self {
    case .f32: 0
    case .f16: 1
    case .q4_0: 2
    case .q4_1: 3
    case .q8_0: 7
    case .q5_0: 8
    case .q5_1: 9
    case .q2K: 10
    case .q3K: 11
    case .q4K: 14
    case .q5K: 16
    case .q6K: 18
    case .bf16: 32
    case .tq1_0: 36
    case .tq2_0: 37
    case .mxfp4: 38
    default: nil
    }
  }
}
