// Valid files are read bit for bit; every kind of fault is named; nothing crashes.

import HHFormat
import HHTestSupport
import Testing

@Suite("SafetensorsFile")
struct SafetensorsFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func open(_ bytes: [UInt8]) throws -> SafetensorsFile {
    try SafetensorsFile(at: try directory.write(bytes, to: "model.safetensors"))
  }

  private func contents(_ file: SafetensorsFile, _ tensor: TensorDescriptor) -> [UInt8] {
    file.bytes(of: tensor).copied()
  }

  @Test("a file of fewer than eight bytes is refused")
  func tiny() throws {
    for count in 0..<8 {
      let error = #expect(throws: FormatError.self) { try open(Array(repeating: 0, count: count)) }
      #expect(error?.problem == "expected a length of 8 bytes, found \(count) bytes in the file")
    }
  }

  @Test("a file that does not exist and a directory are told apart")
  func missing() throws {
    let absent = directory.path("absent.safetensors")
    #expect(
      throws: FormatError(
        .missingInput, file: absent, problem: "cannot be opened: No such file or directory")
    ) { try SafetensorsFile(at: absent) }
    #expect(
      throws: FormatError(
        .badData, file: directory.path, problem: "expected a file, found a directory")
    ) { try SafetensorsFile(at: directory.path) }
  }

  /// A small file with metadata, several types, a scalar and an empty tensor.
  private func sample(seed: UInt64 = 1) throws -> [UInt8] {
    var forge = FileForge(seed: seed)
    return try forge.safetensors(
      [
        ("wéights", .f32, [2, 3]), ("half", .bf16, [5]), ("empty", .f16, [0, 7]),
        ("scalar", .i64, []), ("flags", .bool, [3]),
      ], metadata: [("format", "pt")])
  }

  @Test("no prefix of a valid file is valid")
  func prefixes() throws {
    let bytes = try sample()
    _ = try open(bytes)
    for length in bytes.indices {
      #expect(throws: FormatError.self) { try open(Array(bytes[..<length])) }
    }
  }

  @Test("a changed byte is refused or read inside the file", arguments: 0..<4)
  func mutations(seed: UInt64) throws {
    let bytes = try sample(seed: seed)
    var forge = FileForge(seed: seed)
    for _ in 0..<700 {
      var changed = bytes
      changed[forge.next(below: bytes.count)] = UInt8(truncatingIfNeeded: forge.next())
      do {
        let file = try open(changed)
        var total = 0
        for tensor in file.tensors {
          let size = tensor.elementCount * tensor.dtype.bitWidth / 8
          total += contents(file, tensor).count == size ? size : .min / 8
        }
        if total != 6 * 4 + 5 * 2 + 8 + 3 { Issue.record("\(changed) gives \(total) bytes") }
      } catch is FormatError {}
    }
  }

  @Test("every element type is carried bit for bit, in any order, at any address")
  func dtypes() throws {
    var forge = FileForge(seed: 7)
    #expect(DType.allCases.count == 22)
    for start in 0..<8 {
      // Eight elements are whole bytes of every type; the odd tensor in front shifts all others.
      let tensors: [SafetensorsWriter.Declaration] =
        [("odd", .u8, [start])] + DType.allCases.map { ($0.rawValue, $0, [2, 4]) }
      let bytes = try forge.safetensors(tensors)
      let file = try open(bytes)
      #expect(file.tensors.map(\.name) == tensors.map(\.name))
      #expect(file.tensors.map(\.dtype) == tensors.map(\.dtype))
      var position = bytes.count - file.tensors.reduce(0) { $0 + $1.byteCount }
      for tensor in file.tensors {
        #expect(tensor.byteRange.lowerBound == position)
        #expect(contents(file, tensor) == Array(bytes[tensor.byteRange]))
        position = tensor.byteRange.upperBound
      }
      #expect(position == bytes.count)
    }
  }
}
