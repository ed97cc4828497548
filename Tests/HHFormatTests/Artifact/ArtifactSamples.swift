// Small artifacts for the tests, the same for the same seed.

import HHTestSupport

@testable import HHFormat

enum ArtifactSamples {
  /// A description with every member in use.
  static let description = ArtifactDescription(
    producer: .init(name: "hh-convert", version: "0.1.0"),
    architecture: .init(
      name: "llama", config: ["hidden_size": .integer(64), "act": .string("silu")]),
    linearAttention: LinearAttentionDescription(
      kind: "hedgehog-softmax-split", featureDimension: 16, bias: true, sharing: .keyValueHead,
      epsilon: 1e-12, epsilonPlacement: .addedToDenominator),
    provenance: Provenance(
      sources: [.init(name: "model.safetensors", bytes: 1234, sha256: ContentDigest.of([1]))],
      recipe: ["stages": .array([.string("distil")])], seed: UInt64.max,
      data: .init(kind: "text", sha256: ContentDigest.of([2]), tokens: 4096)),
    stages: [.init(name: "distil", losses: ["layer.0": .number(0.25)])])

  /// One tensor of every type and of awkward shapes, in the size of a few frames of 1 KiB.
  static func tensors(seed: UInt64 = 1) -> [ArtifactTensor] {
    var forge = FileForge(seed: seed)
    var tensors: [ArtifactTensor] = []
    for dtype in DType.allCases where dtype.bitWidth >= 8 {
      for shape in [[], [0], [3], [2, 0, 5], [7, 101]] {
        let count = shape.reduce(1, *) * dtype.bitWidth / 8
        tensors.append(
          ArtifactTensor(
            name: "\(dtype.rawValue) \(shape)", dtype: dtype, shape: shape,
            origin: TensorOrigin.allCases[tensors.count % 4], bytes: forge.bytes(count)))
      }
    }
    // Values as weights have them, so that planes compress and the coder's tables appear.
    let floats = (0..<5000).map { _ in Float(Int(forge.next(below: 2001)) - 1000) * 3.1e-5 }
    tensors.append(
      ArtifactTensor(name: "weights \u{e9}\"\\", shape: [50, 100], origin: .new, floats: floats))
    return tensors
  }

  /// The planes of a few weights, noise in planes, and plain bytes.
  static func fewTensors() -> [ArtifactTensor] {
    let names = ["BF16 [7, 101]", "I64 [3]", "weights \u{e9}\"\\"]
    return tensors().filter { names.contains($0.name) }
  }

  /// A few files to carry.
  static let files = [
    SidecarFile(name: "LICENSE", content: Array("none\n".utf8)),
    SidecarFile(name: "merges.txt", content: []),
    SidecarFile(name: "tokenizer.json", content: Array(repeating: 0x20, count: 3000)),
  ]

  /// The tensors that hold them.
  static var fileTensors: [ArtifactTensor] {
    files.map {
      ArtifactTensor(
        name: "hedgehog.files/\($0.name)", dtype: .u8, shape: [$0.content.count], origin: .state,
        bytes: $0.content)
    }
  }

  /// The bytes that a tensor lends.
  static func bytes(of tensor: ArtifactTensor) throws -> [UInt8] {
    var result: [UInt8] = []
    try tensor.lend(0..<tensor.byteCount) { (bytes) throws(FormatError) in result = bytes.copied() }
    return result
  }

  /// The bytes of a file.
  static func content(of path: String) throws -> [UInt8] {
    let file = try MappedFile(at: path)
    return file.bytes.copied()
  }

  /// Writes a small artifact with frames of 1 KiB.
  @discardableResult
  static func write(
    to path: String, layout: TensorLayout = .planes, threads: Int = 1, replacing: Bool = false,
    tensors: [ArtifactTensor] = tensors(), files: [SidecarFile] = [], delta: Bool = false
  ) throws -> ArtifactSummary {
    try ArtifactWriter.write(
      to: path, description: description, tensors: tensors, files: files,
      options: ArtifactOptions(
        layout: layout, replacing: replacing, threads: threads, frameSize: 1024, delta: delta))
  }
}
