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
    /// The newest version that this program knows, which it writes where a tensor is in blocks.
    package static let current = Version(major: 2, minor: 0)
    /// The version that it writes otherwise: older programs read that too.
    package static let withoutBlocks = Version(major: 1, minor: 1)
    /// `major.minor`.
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
    /// The type of the blocks, with that layout only.
    package var blockType: GGMLType?
    /// SHA-256 of the interleaved bytes, or of the blocks, in hexadecimal.
    package let sha256: String
    /// Where the values came from.
    package let origin: TensorOrigin
    /// Number of bytes of the interleaved elements, or of the blocks.
    package let byteCount: Int
    /// Number of bytes of the elements.
    package var elementByteCount: Int { shape.reduce(dtype.bitWidth, *) / 8 }
  }

  /// The version the file was written under.
  package let version: Version
  /// Everything but the tensors.
  package let description: ArtifactDescription
  /// Content bytes of a full frame, a multiple of 8.
  package let frameSize: Int
  /// The tensors in the order of the file.
  package let tensors: [Tensor]
  /// Files of the source that the artifact carries, in order; from version 1.1 on.
  package let files: [CarriedFile]
  /// What a delta leaves to the model that it was made from; nil in a whole artifact. From version
  /// 1.1 on.
  package let base: ArtifactBase?

  /// Creates a manifest.
  package init(
    version: Version, description: ArtifactDescription, frameSize: Int, tensors: [Tensor],
    files: [CarriedFile] = [], base: ArtifactBase? = nil
  ) {
    self.version = version
    self.description = description
    self.frameSize = frameSize
    self.tensors = tensors
    self.files = files
    self.base = base
  }

  /// SHA-256 of the manifest in JSON, by which an export says which artifact it was made from: it has
  /// the digest of every tensor.
  package var digest: String { ContentDigest.of(Array(json.text.utf8)) }

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
  /// No part of the model: an optimiser's moments, or the bytes of a carried file.
  case state

  /// Whether such a tensor is a parameter of the model.
  package var isModel: Bool { self != .state }
}
