// Array files forged byte by byte.

import HHFormat
import HHTestSupport
import Testing

@testable import HHData

/// Writes NumPy and IDX files.
enum ArrayForge {
  static func numpy(
    _ type: String, _ shape: String, _ data: [UInt8], order: String = "False", version: UInt8 = 1
  ) -> [UInt8] {
    let text = "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }   \n"
    let length = text.utf8.count
    let width = version == 1 ? 2 : 4
    let number = (0..<width).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + number + Array(text.utf8) + data
  }

  static func idx(_ shape: [Int], _ data: [UInt8], type: UInt8 = 8) -> [UInt8] {
    let extents = shape.flatMap { extent in
      (0..<4).reversed().map { UInt8(truncatingIfNeeded: extent >> (8 * $0)) }
    }
    return [0, 0, type, UInt8(shape.count)] + extents + data
  }
}

@Suite("DataArray")
struct DataArrayTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func numpy(_ bytes: [UInt8]) throws -> DataArray {
    try DataArray(numpyAt: directory.write(bytes, to: "x.npy"))
  }

  @Test(
    "Every integer width gives the ids",
    arguments: [
      ("|u1", [7, 200], [7, 200]), ("<u2", [7, 0, 0, 1], [7, 256]),
      ("<u4", [7, 0, 0, 0, 0, 1, 0, 0], [7, 256]), ("<i4", [7, 0, 0, 0, 0, 1, 0, 0], [7, 256]),
      ("<i8", [7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], [7, 256]),
    ] as [(String, [UInt8], [Int32])])
  func integers(type: String, data: [UInt8], expected: [Int32]) throws {
    for version: UInt8 in 1...3 {
      let array = try numpy(ArrayForge.numpy(type, "(2,)", data, version: version))
      #expect(array.shape == [2])
      #expect(try array.tokenIDs(vocabularySize: 300) == expected)
      #expect(array.floats() == expected.map(Float.init))
    }
  }

  @Test("Floats are read exactly, and are no token ids")
  func floats() throws {
    let array = try numpy(ArrayForge.numpy("<f4", "(1, 1)", [0, 0, 0xC0, 0xBF]))
    #expect(array.floats() == [-1.5])
    #expect(throws: FormatError.self) { try array.tokenIDs(vocabularySize: 10) }
  }

  @Test("An id outside the vocabulary is named with its position")
  func outside() throws {
    let array = try numpy(ArrayForge.numpy("<i4", "(2,)", [1, 0, 0, 0, 255, 255, 255, 255]))
    let error = #expect(throws: FormatError.self) { try array.tokenIDs(vocabularySize: 10) }
    #expect(error?.place == "number 1")
    #expect(error?.problem == "expected a token id from 0 to 9, found -1")
  }

  @Test(
    "What is not handled is refused",
    arguments: [
      (ArrayForge.numpy(">i4", "(1,)", [0, 0, 0, 0]), FormatError.Kind.unsupported),
      (ArrayForge.numpy("<f8", "(1,)", Array(repeating: 0, count: 8)), .unsupported),
      (ArrayForge.numpy("|u1", "(1, 1)", [0], order: "True"), .unsupported),
      (ArrayForge.numpy("|u1", "(1, 1, 1, 1, 1)", [0]), .unsupported),
      (ArrayForge.numpy("|u1", "(1,)", [0], version: 4), .unsupported),
      (ArrayForge.numpy("|u1", "(2,)", [0]), .badData),
      (ArrayForge.numpy("|u1", "(1,)", [0, 0]), .badData),
      (ArrayForge.numpy("|u1", "(-1,)", [0]), .badData),
      (ArrayForge.numpy("<u4", "(4611686018427387904,)", []), .badData),
      (ArrayForge.numpy("|u1", "(9223372036854775807, 9)", []), .badData),
      (ArrayForge.numpy("|u1", "(1,)", [0], order: "Maybe"), .badData),
      (Array("hello, this is text".utf8), .badData), ([], .badData),
    ])
  func refused(bytes: [UInt8], kind: FormatError.Kind) {
    let error = #expect(throws: FormatError.self) { try numpy(bytes) }
    #expect(error?.kind == kind)
  }

  @Test("Every prefix of a file is refused")
  func prefixes() throws {
    let whole = ArrayForge.numpy("<u2", "(2, 3)", Array(0..<12))
    for count in whole.indices {
      #expect(throws: FormatError.self) { try numpy(Array(whole[..<count])) }
    }
    let images = ArrayForge.idx([2, 1, 3], Array(0..<6))
    for count in images.indices {
      let path = try directory.write(Array(images[..<count]), to: "images")
      #expect(throws: FormatError.self) { try DataArray(idxAt: path) }
    }
  }

  @Test("IDX files of bytes are read, others refused")
  func idx() throws {
    let path = try directory.write(ArrayForge.idx([2, 1, 3], Array(0..<6)), to: "images")
    #expect(try DataArray.isIDX(at: path))
    let array = try DataArray(idxAt: path)
    #expect(array.shape == [2, 1, 3])
    #expect(array.floats() == [0, 1, 2, 3, 4, 5])
    let ints = try directory.write(ArrayForge.idx([1], [0, 0, 0, 1], type: 12), to: "ints")
    let error = #expect(throws: FormatError.self) { try DataArray(idxAt: ints) }
    #expect(error?.kind == .unsupported)
    #expect(try !DataArray.isIDX(at: directory.write("text", to: "text")))
  }

  @Test("Raw ids are 16 bits wide, 32 in a file that says so")
  func raw() throws {
    let bytes: [UInt8] = [1, 0, 2, 0]
    let narrow = try DataArray(rawIDsAt: directory.write(bytes, to: "x.bin"))
    #expect(try narrow.tokenIDs(vocabularySize: 3) == [1, 2])
    let wide = try DataArray(rawIDsAt: directory.write(bytes, to: "x.u32.bin"))
    #expect(wide.shape == [1])
    #expect(throws: FormatError.self) { try wide.tokenIDs(vocabularySize: 3) }
    let odd = try directory.write([1, 0, 2], to: "odd.bin")
    #expect(throws: FormatError.self) { try DataArray(rawIDsAt: odd) }
  }
}
