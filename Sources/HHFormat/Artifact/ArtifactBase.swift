// What a delta artifact does not hold itself: the tensors and files of the model it was made from.

/// The part of a converted model that a delta leaves to its base, the model that it was made from.
package struct ArtifactBase: Sendable, Equatable {
  /// A tensor that the base has, bit for bit.
  package struct Tensor: Sendable, Equatable {
    /// The name, byte for byte.
    package let name: String
    /// The element type.
    package let dtype: DType
    /// Row-major extents, outermost first.
    package let shape: [Int]
    /// SHA-256 of the bytes, in hexadecimal.
    package let sha256: String
    /// Number of bytes.
    package let byteCount: Int
  }

  /// The tensors in the order of the whole model; they come before the delta's own.
  package let tensors: [Tensor]
  /// The files that go with the base.
  package let files: [CarriedFile]
}
