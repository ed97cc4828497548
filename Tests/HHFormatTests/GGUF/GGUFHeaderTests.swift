// Headers of every version and byte order; every kind of fault is named.

import HHFormat
import HHTestSupport
import Testing

@Suite("GGUFHeader")
struct GGUFHeaderTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func open(_ bytes: [UInt8]) throws -> GGUFFile {
    try GGUFFile(at: try directory.write(bytes, to: "model.gguf"))
  }

  @Test("a defective file is refused with its place and fault", arguments: GGUFDefect.all)
  func defect(_ defect: GGUFDefect) throws {
    let path = try directory.write(defect.bytes, to: "bad.gguf")
    let error = #expect(throws: FormatError.self) { try GGUFFile(at: path) }
    #expect(error?.kind == defect.kind)
    #expect(error?.file == path)
    #expect(error?.place == defect.place)
    #expect(error?.problem.hasPrefix(defect.problem) == true, "\(error?.problem ?? "")")
    #expect(error?.problem.contains(", found ") == true, "\(error?.problem ?? "")")
  }

  @Test(
    "every version and byte order gives the same content",
    arguments: [(1, false), (2, false), (3, false), (2, true), (3, true)])
  func versions(version: UInt32, isBigEndian: Bool) throws {
    let file = try open(GGUFForge.sample(version: version, isBigEndian: isBigEndian).bytes)
    let header = file.header
    #expect(header.version == Int(version))
    #expect(header.isBigEndian == isBigEndian)
    #expect(header["general.architecture"] == .string("example"))
    #expect(header["k.u8"]?.integer == 200)
    #expect(header["k.i8"]?.integer == -100)
    #expect(header["k.u16"]?.integer == 60000)
    #expect(header["k.i16"]?.integer == -30000)
    #expect(header["k.u32"]?.integer == 4_000_000_000)
    #expect(header["k.i32"]?.integer == -2_000_000_000)
    #expect(header["k.u64"] == .uint64(.max))
    #expect(header["k.u64"]?.integer == nil)
    #expect(header["k.i64"]?.integer == Int.min)
    #expect(header["k.f32"]?.number == 1e-5)
    #expect(header["k.f64"]?.number == 1e-300)
    #expect(header["k.bool"]?.bool == true)
    #expect(header["absent"] == nil)
    #expect(try file.strings("k.names") == ["é", ""])
    #expect(try file.integers("k.counts") == (isBigEndian ? [1, 515] : [256, 770]))
    #expect(file.tensors.map(\.name) == ["a", "b", "c"])
    #expect(file.tensors.map(\.shape) == [[2, 3], [1, 32], [16]])
    #expect(file.tensors.map(\.type) == [.f32, .q8_0, .bf16])
    #expect(file.bytes(of: file.tensors[0]).copied().count == 24)
  }

  @Test("the alignment of the key is the one that counts", arguments: [1, 8, 64, 4096])
  func alignment(_ alignment: Int) throws {
    var forge = GGUFForge.sample()
    forge.add("general.alignment", UInt32(alignment))
    forge.alignment = alignment
    let file = try open(forge.bytes)
    #expect(file.header.alignment == alignment)
    #expect(file.tensors.allSatisfy { $0.byteRange.lowerBound.isMultiple(of: alignment) })
  }
}
