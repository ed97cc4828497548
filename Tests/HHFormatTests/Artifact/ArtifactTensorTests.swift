// Tensors lend the bytes of memory and of mapped files.

import HHTestSupport
import Testing

@testable import HHFormat

@Suite("ArtifactTensor")
struct ArtifactTensorTests {
  private let folder: TemporaryDirectory
  private let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("a.zst")
  }

  @Test("a mapped tensor is copied without a detour")
  func mappedTensor() throws {
    var forge = FileForge(seed: 4)
    let source = try folder.write(
      forge.safetensors([("a", .f32, [5, 7]), ("b", .bf16, [300])]), to: "model.safetensors")
    let file = try SafetensorsFile(at: source)
    let mapped = try MappedFile(at: source)
    try ArtifactSamples.write(
      to: path, tensors: file.tensors.map { ArtifactTensor($0, in: mapped) })
    let reader = try ArtifactReader(at: path)
    for tensor in file.tensors {
      #expect(try reader.read(tensor.name) == file.bytes(of: tensor).copied())
    }
  }

  @Test("floats are lent as their little-endian bytes, in part or all of them")
  func floats() throws {
    let tensor = ArtifactTensor(name: "w", shape: [2, 1], origin: .new, floats: [1, -2])
    #expect(tensor.dtype == .f32 && tensor.byteCount == 8)
    #expect(try ArtifactSamples.bytes(of: tensor) == [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0])
    var part: [UInt8] = []
    try tensor.lend(2..<5) { (bytes) throws(FormatError) in part = bytes.copied() }
    #expect(part == [0x80, 0x3F, 0])
  }

  @Test("the parts of a large tensor follow each other to its end")
  func parts() throws {
    let count = 2 << 24 | 5
    let tensor = ArtifactTensor(
      name: "w", dtype: .u8, shape: [count], origin: .new, byteCount: count
    ) { (range, body) throws(FormatError) in
      try body([UInt8](repeating: UInt8(range.lowerBound >> 24), count: range.count).raw)
    }
    var parts: [[UInt8]] = []
    try tensor.forEachPart { (bytes) throws(FormatError) in
      parts.append([bytes.octets[0], UInt8(bytes.byteCount & 0xFF)])
    }
    #expect(parts == [[0, 0], [1, 0], [2, 5]])
    let problem = FormatError(.io, file: "f", problem: "gone")
    #expect(throws: problem) { try tensor.forEachPart { (_) throws(FormatError) in throw problem } }
  }
}
