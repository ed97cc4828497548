// What is written is what the official writer writes, and what our own reader reads.

import HHFormat
import HHTestSupport
import Testing

@Suite("SafetensorsWriter")
struct SafetensorsWriterTests {
  @Test("the header of the format's own example, byte for byte")
  func golden() throws {
    let header = try SafetensorsWriter.header(
      tensors: [("a", .f32, [2, 2]), ("b\"\u{1}", .u8, []), ("c", .bf16, [0])],
      metadata: [("format", "pt")])
    let text =
      #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"#
      + #""b\"\u0001":{"dtype":"U8","shape":[],"data_offsets":[16,17]},"#
      + #""c":{"dtype":"BF16","shape":[0],"data_offsets":[17,17]}}"#
    let padding = (8 - text.utf8.count % 8) % 8
    let length = text.utf8.count + padding
    #expect(
      header == [UInt8(length), 0, 0, 0, 0, 0, 0, 0] + Array(text.utf8)
        + Array(repeating: 0x20, count: padding))
  }

  @Test("an empty file is two bytes of JSON, padded to eight")
  func empty() throws {
    let header = try SafetensorsWriter.header(tensors: [], metadata: [])
    #expect(header == [8, 0, 0, 0, 0, 0, 0, 0] + Array("{}      ".utf8))
  }

  @Test("canonical order: widest alignment first, then by the bytes of the name")
  func order() {
    let tensors: [SafetensorsWriter.Declaration] = [
      ("b", .f16, [1]), ("a", .bf16, [1]), ("z", .f32, [1]), ("B", .f32, [1]), ("é", .f32, [1]),
      ("q", .u8, [1]), ("p", .i64, [1]), ("o", .bool, [1]),
    ]
    #expect(
      SafetensorsWriter.canonicalOrder(tensors).map(\.name)
        == ["p", "B", "z", "é", "a", "b", "q", "o"])
  }

  @Test(
    "what a reader would refuse is not written",
    arguments: [
      ([("a", .f32, [1]), ("a", .f32, [1])], "expected a new name, found one that is taken"),
      ([("__metadata__", .f32, [1])], "expected a new name, found one that is taken"),
      ([("a", .f32, [-1])], "shape [-1] of F32: expected a whole number of bytes"),
      ([("a", .f4, [3])], "shape [3] of F4: expected a whole number of bytes"),
      ([("a", .f32, [.max])], "expected a whole number of bytes that fits a file"),
      (
        [("a", .u8, [.max / 8]), ("b", .u8, [.max / 8])]
          + (0..<7).map { ("c\($0)", DType.u8, [Int.max / 8]) },
        "expected a whole number of bytes that fits a file"
      ),
      (
        [("a", .f32, Array(repeating: 1, count: 17))],
        "expected at most 16 dimensions, found 17"
      ),
    ] as [([SafetensorsWriter.Declaration], String)])
  func refused(tensors: [SafetensorsWriter.Declaration], problem: String) {
    let error = #expect(throws: FormatError.self) {
      try SafetensorsWriter.header(tensors: tensors, metadata: [])
    }
    #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
  }

  @Test("a metadata key twice is refused")
  func metadataTwice() {
    #expect(throws: FormatError.self) {
      try SafetensorsWriter.header(tensors: [], metadata: [("a", ""), ("a", "")])
    }
  }

  @Test("what is written is read back: names, types, shapes and metadata", arguments: 0..<20)
  func roundTrip(seed: UInt64) throws {
    var forge = FileForge(seed: seed)
    let names = ["a", "a.b", "é", "e\u{301}", "\"quoted\"", "tab\t", "", "日本", "\u{8}\u{C}\0"]
    let tensors: [SafetensorsWriter.Declaration] = names.map { name in
      let dtype = DType.allCases[forge.next(below: DType.allCases.count)]
      var shape = (0..<forge.next(below: 4)).map { _ in forge.next(below: 4) }
      shape.append(8)
      return (name, dtype, shape)
    }
    let metadata = [("k", "{\"n\":1}\n"), ("é\\", "\u{7F}")]
    let directory = try TemporaryDirectory()
    let bytes = try forge.safetensors(tensors, metadata: metadata)
    let file = try SafetensorsFile(at: try directory.write(bytes, to: "a.safetensors"))
    // Empty tensors share an offset, so the reader may order them by their end only.
    #expect(file.tensors.map { Array($0.name.utf8) } == tensors.map { Array($0.name.utf8) })
    #expect(file.tensors.map(\.shape) == tensors.map(\.shape))
    #expect(file.metadata.map { [$0.key, $0.value] } == metadata.map { [$0.0, $0.1] })
    #expect(file.tensors.allSatisfy { $0.byteCount * 8 == $0.elementCount * $0.dtype.bitWidth })
  }
}
