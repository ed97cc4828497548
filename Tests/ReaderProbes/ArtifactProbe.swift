// The reader of artifacts.

import HHFormat
package import HHTestSupport

/// Reads an artifact.
package struct ArtifactProbe: ReaderProbe {
  private let folder: TemporaryDirectory

  package init(in folder: TemporaryDirectory) { self.folder = folder }

  private static func description(_ map: Bool) -> ArtifactDescription {
    ArtifactDescription(
      producer: .init(name: "hh-convert", version: "0.1.0"),
      architecture: .init(name: "llama", config: ["hidden_size": .integer(64)]),
      linearAttention: map
        ? LinearAttentionDescription(
          kind: "hedgehog-softmax-split", featureDimension: 16, bias: true, sharing: .keyValueHead,
          epsilon: 1e-12, epsilonPlacement: .addedToDenominator) : nil,
      provenance: Provenance(
        sources: [.init(name: "model.safetensors", bytes: 1, sha256: ContentDigest.of([1]))],
        recipe: [:], seed: 7, data: .init(kind: "text", sha256: nil, tokens: 4096)),
      stages: [.init(name: "distil", losses: ["layer.0": .number(0.25)])])
  }

  package static func seeds() throws -> [[UInt8]] {
    let folder = try TemporaryDirectory()
    var forge = FileForge(seed: 3)
    // Values as weights have them, so that the coder's tables appear.
    let floats = (0..<600).map { _ in Float(forge.next(below: 2001) - 1000) * 3.1e-5 }
    let tensors = [
      ArtifactTensor(name: "w", shape: [20, 30], origin: .new, floats: floats),
      ArtifactTensor(name: "i", dtype: .i64, shape: [3], origin: .kept, bytes: forge.bytes(24)),
      ArtifactTensor(name: "e", dtype: .f16, shape: [0], origin: .state, bytes: []),
    ]
    let path = folder.path("seed.zst")
    return try [(true, TensorLayout.planes), (false, .interleaved)].map { map, layout in
      _ = try ArtifactWriter.write(
        to: path, description: description(map),
        tensors: map ? tensors : Array(tensors.dropFirst()),
        options: ArtifactOptions(layout: layout, replacing: true, frameSize: 1024))
      return try content(of: path)
    }
  }

  package func read(_ bytes: [UInt8]) throws {
    try use(artifactAt: try folder.write(bytes, to: "model.zst"), in: folder)
  }
}

/// Reads what `zstd -d` makes of an artifact.
package struct DecompressedProbe: ReaderProbe {
  private let folder: TemporaryDirectory

  package init(in folder: TemporaryDirectory) { self.folder = folder }

  package static func seeds() throws -> [[UInt8]] {
    try ArtifactProbe.seeds().map { artifact in
      do throws(ZstdError) {
        let table = try SeekTable(parsing: artifact.raw)
        var content: [UInt8] = []
        for (index, entry) in table.entries.dropLast().enumerated() {
          let frame = artifact.raw.extracting(table.range(of: index))
          content += try FrameDecompressor().decompress(frame, byteCount: entry.contentSize)
        }
        return content
      } catch {
        throw ProbeFailure(error.problem)
      }
    }
  }

  package func read(_ bytes: [UInt8]) throws {
    let path = try folder.write(bytes, to: "model.safetensors")
    guard try ArtifactReader.isArtifact(path) else {
      // Without its manifest it is a safetensors file like any other, or none.
      _ = try SafetensorsFile(at: path)
      return
    }
    try use(artifactAt: path, in: folder)
  }
}

/// Reads an artifact, in part and as a whole; what `verify` calls sound is written and read again.
private func use(artifactAt path: String, in folder: TemporaryDirectory) throws {
  let reader = try ArtifactReader(at: path)
  for tensor in reader.tensors {
    // A damaged tensor is an error of its own; the others can still be read.
    do throws(FormatError) { _ = try reader.read(tensor.name) } catch {}
  }
  _ = try ArtifactVerifier.verify(at: path)
  let tensors = try promised("reading the tensors") {
    try reader.tensors.map {
      ArtifactTensor(
        name: $0.name, dtype: $0.dtype, shape: $0.shape, origin: $0.origin,
        bytes: try reader.read($0.name))
    }
  }
  let copy = folder.path("copy.zst")
  try promised("writing it") {
    _ = try ArtifactWriter.write(
      to: copy, description: reader.manifest.description, tensors: tensors,
      options: ArtifactOptions(replacing: true, frameSize: reader.manifest.frameSize))
    let again = try ArtifactReader(at: copy)
    try require(
      again.manifest.description == reader.manifest.description
        && again.tensors.map(\.sha256) == reader.tensors.map(\.sha256),
      "the copy has another manifest")
  }
}
