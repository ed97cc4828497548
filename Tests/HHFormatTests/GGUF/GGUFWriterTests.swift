// The writer against files of gguf-py, and what it refuses.

import HHFormat
import HHTestSupport
import Testing

@Suite("GGUFWriter")
struct GGUFWriterTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func contents(_ path: String) throws -> [UInt8] {
    let file = try MappedFile(at: path)
    return file.bytes.copied()
  }

  /// Writes what a file holds to another one.
  @discardableResult
  private func rewrite(
    _ file: GGUFFile, to path: String, shardSize: Int? = nil
  ) throws -> [String] {
    try GGUFWriter.write(
      to: path, metadata: try file.keyValues(),
      tensors: file.tensors.map { .init(name: $0.name, type: $0.type, shape: $0.shape) },
      shardSize: shardSize
    ) { index, sink throws(FormatError) in
      let bytes = file.bytes(of: file.tensors[index])
      try sink(bytes)
    }
  }

  @Test(
    "a file of gguf-py, read and written again, is the same byte for byte",
    arguments: [
      "values-little", "gpt2-base", "bert-model", "llama-bf16", "llama-gqa", "llama-llama3-rope",
    ])
  func sameBytes(_ name: String) throws {
    let file = try GGUFFile(at: Fixtures.path("golden/gguf/\(name).gguf"))
    let path = directory.path("again.gguf")
    #expect(try rewrite(file, to: path) == [path])
    #expect(try contents(path) == contents(file.path))
  }

  @Test("metadata of a big-endian file is turned round")
  func bigEndian() throws {
    let big = try GGUFFile(at: Fixtures.path("golden/gguf/values-big.gguf"))
    let little = try GGUFFile(at: Fixtures.path("golden/gguf/values-little.gguf"))
    let keys = try big.keyValues()
    #expect(try keys == little.keyValues().filter { key in keys.contains { $0.key == key.key } })
  }

  @Test("parts are divided by size as gguf-py divides them, and open as one model")
  func parts() throws {
    let file = try GGUFFile(at: Fixtures.path("golden/gguf/gpt2-base.gguf"))
    let whole = try Checkpoint(opening: file.path)
    let paths = try rewrite(file, to: directory.path("m.gguf"), shardSize: 20_000)
    #expect(paths.count > 2)
    #expect(paths[0].hasSuffix("/m-00001-of-0000\(paths.count).gguf"))
    let parts = try paths.map { try GGUFFile(at: $0) }
    for (number, part) in parts.enumerated() {
      #expect(part.header["split.no"] == .uint16(UInt16(number)))
      #expect(part.header["split.count"] == .uint16(UInt16(paths.count)))
      #expect(part.header["split.tensors.count"] == .int32(Int32(file.tensors.count)))
      let size = part.tensors.reduce(0) { $0 + $1.byteRange.count }
      #expect(size <= 20_000 || part.tensors.count == 1)
    }
    let model = try Checkpoint(opening: paths[0])
    #expect(model.configuration == whole.configuration)
    for tensor in whole.tensors {
      let expected = try whole.withBytes(of: tensor.name) { bytes in bytes.copied() }
      #expect(try model.withBytes(of: tensor.name) { bytes in bytes.copied() } == expected)
    }
    #expect(try rewrite(file, to: directory.path("one.gguf"), shardSize: 1 << 30).count == 1)
  }

  @Test("an alignment that the metadata ask for is kept, also in parts")
  func alignment() throws {
    let tensors = (0..<3).map { GGUFWriter.Declaration(name: "t\($0)", type: .i8, shape: [5]) }
    let keys: [GGUFKeyValue] = [
      .string("general.architecture", "x"), .uint32("general.alignment", 64),
    ]
    let paths = try GGUFWriter.write(
      to: directory.path("a.gguf"), metadata: keys, tensors: tensors, shardSize: 10
    ) { index, sink throws(FormatError) in
      let bytes = [UInt8](repeating: UInt8(index), count: 5)
      try sink(bytes.raw)
    }
    #expect(paths.count == 2)
    for path in paths {
      let file = try GGUFFile(at: path)
      #expect(file.header.alignment == 64)
      #expect(file.tensors.allSatisfy { $0.byteRange.lowerBound.isMultiple(of: 64) })
      #expect(try contents(path).count.isMultiple(of: 64))
    }
  }

  private static func tensor(
    _ name: String = "t", _ type: GGMLType = .f32, _ shape: [Int] = [2]
  ) -> GGUFWriter.Declaration { .init(name: name, type: type, shape: shape) }

  static let refused: [(keys: [GGUFKeyValue], tensors: [GGUFWriter.Declaration], text: String)] = [
    ([], [tensor(), tensor()], "tensor 't': expected a new name, found one that is taken"),
    ([], [tensor("")], "tensor '': expected a name of 1 to 63 bytes, found 0"),
    ([], [tensor(String(repeating: "n", count: 64))], "expected a name of 1 to 63 bytes, found 64"),
    ([], [tensor("t", .f32, [1, 1, 1, 1, 1])], "expected at most 4 dimensions, found 5"),
    (
      [], [tensor("t", .q8_0, [32, 33])],
      "tensor 't': expected rows in a multiple of 32 elements for Q8_0, found shape [32, 33]"
    ),
    ([], [tensor("t", .f32, [1 << 40, 1 << 40])], "expected a size that fits a file, found more"),
    ([], [tensor("t", .f32, [-1])], "expected a size that fits a file, found more"),
    ([], [tensor("a", .i8, [1 << 62]), tensor("b", .i8, [1 << 62])], "a size that fits a file"),
    ([.bool("", true)], [], "key '': expected a new key of 1 to 65535 bytes"),
    ([.bool("k", true), .bool("k", false)], [], "key 'k': expected a new key"),
    (
      [.uint32("general.alignment", 48)], [],
      "key 'general.alignment': expected a power of two up to 1048576 of type uint32, found 48"
    ),
    ([.bool("general.alignment", true)], [], "found 1 of type bool"),
  ]

  @Test("what no reader would accept is refused", arguments: refused)
  func refuses(
    keys: [GGUFKeyValue], tensors: [GGUFWriter.Declaration], text: String
  ) throws {
    let path = directory.path("bad.gguf")
    let error = try #require(throws: FormatError.self) {
      try GGUFWriter.write(to: path, metadata: keys, tensors: tensors) { _, _ in }
    }
    #expect(error.description.contains(text), "\(error)")
    #expect(try directoryEntries(of: directory.path).isEmpty)
  }

  @Test("a tensor of another length than declared, and a failure in between, leave nothing behind")
  func nothingLeft() throws {
    let tensors = [Self.tensor("a"), Self.tensor("b")]
    for size in [7, 9] {
      let error = try #require(throws: FormatError.self) {
        try GGUFWriter.write(
          to: directory.path("x.gguf"), metadata: [], tensors: tensors, shardSize: 1
        ) { index, sink throws(FormatError) in
          let bytes = [UInt8](repeating: 0, count: index == 0 ? 8 : size)
          try sink(bytes.raw)
        }
      }
      #expect(error.problem == "expected 8 bytes to write, found \(size)")
      #expect(try directoryEntries(of: directory.path).isEmpty)
    }
  }

  @Test("an existing part stops the writing unless it may be replaced")
  func existing() throws {
    let tensors = [Self.tensor("a"), Self.tensor("b")]
    let taken = try directory.write("old", to: "x-00002-of-00002.gguf")
    func write(replacing: Bool) throws {
      try GGUFWriter.write(
        to: directory.path("x.gguf"), metadata: [], tensors: tensors, replacing: replacing,
        shardSize: 1
      ) { _, sink throws(FormatError) in
        let bytes = [UInt8](repeating: 0, count: 8)
        try sink(bytes.raw)
      }
    }
    let error = try #require(throws: FormatError.self) { try write(replacing: false) }
    #expect(error.kind == .cannotCreate && error.file == taken)
    #expect(try directoryEntries(of: directory.path) == ["x-00002-of-00002.gguf"])
    try write(replacing: true)
    #expect(try GGUFFile(at: taken).tensors.map(\.name) == ["b"])
  }

  @Test("more parts than can be open at once are refused")
  func tooManyParts() throws {
    let tensors = (0...GGUFWriter.maximumPartCount).map { Self.tensor("t\($0)") }
    let error = try #require(throws: FormatError.self) {
      try GGUFWriter.write(
        to: directory.path("x.gguf"), metadata: [], tensors: tensors, shardSize: 1
      ) { _, _ in }
    }
    #expect(error.problem == "expected at most 500 files, found that 501 would be needed")
  }
}
