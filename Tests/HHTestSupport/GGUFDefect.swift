// One GGUF file for each thing that can be wrong with one, and what a reader must say.

package import HHFormat
import Testing

/// A defective file and the error it must give.
package struct GGUFDefect: Sendable, CustomTestStringConvertible {
  /// What is wrong.
  package let name: String
  /// The file.
  package let bytes: [UInt8]
  /// `place` of the error.
  package let place: String
  /// What the error's `problem` starts with.
  package let problem: String
  /// The error's kind.
  package let kind: FormatError.Kind

  package var testDescription: String { name }

  /// The sample file with a change.
  private init(
    _ name: String, at place: String = "header", _ problem: String,
    kind: FormatError.Kind = .badData, version: UInt32 = 3,
    _ change: (inout GGUFForge) -> Void
  ) {
    var forge = GGUFForge.sample(version: version)
    change(&forge)
    self.name = name
    bytes = forge.bytes
    self.place = place
    self.problem = problem
    self.kind = kind
  }

  /// The sample file with one more key, called 'x'.
  private init(
    key name: String, _ problem: String, at place: String = "key 'x'", type: UInt32,
    _ value: (GGUFForge) -> [UInt8]
  ) {
    self.init(name, at: place, problem) { forge in
      forge.keys.append(.init(name: [0x78], nameLength: nil, type: type, value: value(forge)))
    }
  }

  /// The sample file with its first tensor, 'a' of [2, 3], changed.
  private init(
    tensor name: String, at place: String = "tensor 'a'", _ problem: String,
    kind: FormatError.Kind = .badData, _ change: (inout GGUFForge.Tensor) -> Void
  ) {
    self.init(name, at: place, problem, kind: kind) { change(&$0.tensors[0]) }
  }

  /// Every defect.
  package static let all: [GGUFDefect] = headers + keys + arrays + alignments + tensors + layouts

  private static let headers: [GGUFDefect] = [
    GGUFDefect("other magic", "expected the magic number 'GGUF', found other bytes") {
      $0.magic = Array("GGML".utf8)
    },
    GGUFDefect("magic turned round", "expected the magic number 'GGUF'") { $0.magic.reverse() },
    GGUFDefect("version 0", "version: expected 1, 2 or 3, found 0") { $0.version = 0 },
    GGUFDefect("version 4", "version: expected 1, 2 or 3, found 4", kind: .unsupported) {
      $0.version = 4
    },
    GGUFDefect(
      "version 255, big-endian", "version: expected 1, 2 or 3, found 255", kind: .unsupported
    ) { $0.version = 0xFF00_0000 },
    GGUFDefect("tensors beyond the file", "number of tensors: expected at most") {
      $0.tensorCount = 1000
    },
    GGUFDefect("2^64 - 1 tensors", "number of tensors: expected at most") {
      $0.tensorCount = .max
    },
    GGUFDefect("tensors whose table size wraps", "number of tensors: expected at most") {
      $0.tensorCount = 1 << 60
    },
    GGUFDefect("keys beyond the file", "number of keys: expected at most") { $0.keyCount = 1000 },
    GGUFDefect("2^63 keys", "number of keys: expected at most") { $0.keyCount = 1 << 63 },
    GGUFDefect("more keys than there are", at: "key number 16", "length of name: expected") {
      $0.keyCount = 17
    },
    GGUFDefect(
      "fewer keys than there are", at: "tensor number 0",
      "length of name: expected at most 63 bytes, found"
    ) {
      $0.keyCount = 0
      $0.keys[0].name = Array(repeating: 0x78, count: 80)
    },
    GGUFDefect(
      "strings of version 1 in version 2", at: "key 'general.architecture'",
      "length of value: expected at most", version: 1
    ) { $0.version = 2 },
  ]

  private static let keys: [GGUFDefect] = [
    GGUFDefect("key twice", at: "key 'k.u8'", "expected each key once, found it twice") {
      $0.keys.append($0.keys[1])
    },
    GGUFDefect("empty key", at: "key ''", "expected a name, found an empty one") {
      $0.keys[2].name = []
    },
    GGUFDefect("key that is not UTF-8", at: "key number 2", "name: expected UTF-8") {
      $0.keys[2].name = [0xC3, 0x28]
    },
    GGUFDefect("length of a key beyond the file", at: "key number 2", "name: expected 60000") {
      $0.keys[2].nameLength = 60_000
    },
    GGUFDefect(
      "length of a key that wraps", at: "key number 2",
      "length of name: expected at most 65535 bytes, found 18446744073709551615"
    ) { $0.keys[2].nameLength = .max },
    GGUFDefect(
      "key above the longest", at: "key number 2",
      "length of name: expected at most 65535 bytes, found 65536"
    ) { $0.keys[2].name = Array(repeating: 0x78, count: 65_536) },
    GGUFDefect(key: "value type 13", "type: expected a number from 0 to 12, found 13", type: 13) {
      $0.integer(UInt64(0))
    },
    GGUFDefect(
      key: "value type of 32 ones", "type: expected a number from 0 to 12, found 4294967295",
      type: .max
    ) { $0.integer(UInt64(0)) },
    GGUFDefect(key: "truth value 2", "expected 0 or 1 as a truth value, found 2", type: 7) { _ in
      [2]
    },
    GGUFDefect(key: "string beyond the file", "value: expected 100000 more bytes", type: 8) {
      $0.length(100_000)
    },
    GGUFDefect(
      key: "string above a gigabyte",
      "length of value: expected at most 1073741824 bytes, found 1073741825", type: 8
    ) { $0.length(1 << 30 + 1) },
    GGUFDefect(
      key: "string of length 2^64 - 1",
      "length of value: expected at most 1073741824 bytes, found 18446744073709551615", type: 8
    ) { $0.length(.max) },
    GGUFDefect(key: "string that is not UTF-8", "value: expected UTF-8", type: 8) {
      $0.length(2) + [0xFF, 0xFE]
    },
  ]

  private static let arrays: [GGUFDefect] = [
    GGUFDefect(
      key: "nested array", "expected an array of plain values, found a nested one", type: 9
    ) { $0.array(.array, 1, $0.array(.uint8, 1, [0])) },
    GGUFDefect(
      key: "array of unknown type", "type of the elements: expected a number from 0 to 12",
      type: 9
    ) { $0.integer(UInt32(99)) + $0.length(1) + [0] },
    GGUFDefect(
      key: "array above 2^30", "number of elements: expected at most 1073741824", type: 9
    ) { $0.array(.uint8, 1 << 30 + 1, []) },
    GGUFDefect(
      key: "array whose size wraps", "number of elements: expected at most 1073741824", type: 9
    ) { $0.array(.uint64, 1 << 61, []) },
    GGUFDefect(key: "array beyond the file", "1000 elements: expected at least 8000", type: 9) {
      $0.array(.float64, 1000, [])
    },
    GGUFDefect(key: "strings beyond the file", "1000 elements: expected at least 8000", type: 9) {
      $0.array(.string, 1000, [])
    },
    GGUFDefect(
      key: "string of an array above a gigabyte", "length of element: expected at most", type: 9
    ) { $0.array(.string, 1, $0.length(1 << 40)) },
    GGUFDefect(key: "truth value of an array", "expected 0 or 1 as a truth value", type: 9) {
      $0.array(.bool, 2, [1, 7])
    },
  ]

  private static let alignments: [GGUFDefect] =
    [0, 3, 48, 1 << 21, 1 << 31].map { value in
      GGUFDefect(
        "alignment \(value)", at: "key 'general.alignment'",
        "expected a power of two up to 1048576 of type uint32, found \(value) of type uint32"
      ) { $0.add("general.alignment", UInt32(value)) }
    } + [
      GGUFDefect(
        "alignment of another type", at: "key 'general.alignment'",
        "expected a power of two up to 1048576 of type uint32, found 32 of type uint64"
      ) { $0.add("general.alignment", .uint64, $0.integer(UInt64(32))) },
      GGUFDefect(
        "alignment that is a string", at: "key 'general.alignment'",
        "expected a power of two up to 1048576 of type uint32, found '32' of type string"
      ) { $0.add("general.alignment", "32") },
    ]

  private static let tensors: [GGUFDefect] = [
    GGUFDefect(tensor: "empty name", at: "tensor ''", "expected a name, found an empty one") {
      $0.name = []
    },
    GGUFDefect(
      tensor: "name above the longest", at: "tensor number 0",
      "length of name: expected at most 63 bytes, found 64"
    ) { $0.name = Array(repeating: 0x78, count: 64) },
    GGUFDefect(tensor: "name that is not UTF-8", at: "tensor number 0", "name: expected UTF-8") {
      $0.name = [0x80]
    },
    GGUFDefect("tensor twice", at: "tensor 'a'", "expected each name once, found it twice") {
      $0.tensors[2].name = $0.tensors[0].name
    },
    GGUFDefect(tensor: "five dimensions", "rank: expected at most 4 dimensions, found 5") {
      $0.extents = [3, 2, 1, 1, 1]
    },
    GGUFDefect(tensor: "2^32 - 1 dimensions", "rank: expected at most 4 dimensions") {
      $0.rank = .max
    },
    GGUFDefect(tensor: "extent above 63 bits", "extent: expected at most 9223372036854775807") {
      $0.extents = [3, 1 << 63]
    },
    GGUFDefect(
      tensor: "extents that overflow",
      "shape [4294967296, 4294967296] of F32: expected a size of at most 63"
    ) { $0.extents = [1 << 32, 1 << 32] },
    GGUFDefect(
      tensor: "extents that overflow before a zero",
      "shape [4611686018427387904, 4, 0] of F32: expected a size of at most 63"
    ) { $0.extents = [0, 4, 1 << 62] },
    GGUFDefect(
      tensor: "bytes that overflow",
      "shape [4611686018427387904] of F32: expected a size of at most 63"
    ) { $0.extents = [1 << 62] },
    GGUFDefect(
      tensor: "size whose padding overflows",
      "shape [9223372036854775807] of I8: expected a size of at most 63"
    ) {
      $0.extents = [UInt64(Int64.max)]
      $0.type = GGMLType.i8.rawValue
    },
    GGUFDefect(tensor: "type 43", "type: expected a number of ggml up to 42, found 43") {
      $0.type = 43
    },
    GGUFDefect(tensor: "type of 32 ones", "type: expected a number of ggml up to 42") {
      $0.type = .max
    },
    GGUFDefect(
      tensor: "removed type Q4_2", "type: expected one that ggml still has, found Q4_2 (4)",
      kind: .unsupported
    ) { $0.type = 4 },
    GGUFDefect(
      tensor: "removed type Q4_0_8_8",
      "type: expected one that ggml still has, found Q4_0_8_8 (33)", kind: .unsupported
    ) { $0.type = 33 },
    GGUFDefect(
      tensor: "rows that are no blocks",
      "shape [2, 3] of Q4_0: expected rows of a multiple of 32, found 3"
    ) { $0.type = GGMLType.q4_0.rawValue },
    GGUFDefect(
      tensor: "scalar of a block type", "shape [] of Q6_K: expected rows of a multiple of 256"
    ) {
      $0.extents = []
      $0.type = GGMLType.q6K.rawValue
    },
  ]

  private static let layouts: [GGUFDefect] = [
    GGUFDefect(tensor: "first offset not zero", "offset: expected 0, the padded end") {
      $0.offset = 32
    },
    GGUFDefect("overlap", at: "tensor 'b'", "offset: expected 32, the padded end") {
      $0.tensors[1].offset = 0
    },
    GGUFDefect("gap", at: "tensor 'b'", "offset: expected 32, the padded end") {
      $0.tensors[1].offset = 64
    },
    GGUFDefect("offset beside the alignment", at: "tensor 'b'", "offset: expected 32") {
      $0.tensors[1].offset = 24
    },
    GGUFDefect("offset of 64 ones", at: "tensor 'c'", "offset: expected 96") {
      $0.tensors[2].offset = .max
    },
    GGUFDefect("alignment other than the key's", at: "tensor 'b'", "offset: expected 64") {
      $0.add("general.alignment", 64)
    },
    GGUFDefect("extents larger than the data", at: "tensor 'c'", "expected 2000000 bytes at") {
      $0.tensors[2].extents = [1_000_000]
    },
    GGUFDefect("exabytes of data", at: "tensor 'c'", "expected 2305843009213693952 bytes at") {
      $0.tensors[2].extents = [1 << 60]
    },
    GGUFDefect(
      "sizes whose sum overflows", at: "tensor 'b'",
      "shape [4611686018427387904] of I8: expected a size of at most 63 bits, found more"
    ) { forge in
      for index in 0...1 {
        forge.tensors[index].type = GGMLType.i8.rawValue
        forge.tensors[index].extents = [1 << 62]
        forge.tensors[index].offset = index == 0 ? 0 : 1 << 62
      }
    },
    GGUFDefect("data that begins beyond the file", at: "tensor 'a'", "expected 24 bytes at 1048") {
      $0.add("general.alignment", 1 << 20)
      $0.tensors.removeLast(2)
    },
    GGUFDefect("bytes behind the data", at: "tensor 'c'", "expected the end of the file, found 1") {
      $0.trailing = [0]
    },
    GGUFDefect("another file behind the data", at: "tensor 'c'", "expected the end of the file") {
      $0.trailing = Array("PK\u{3}\u{4}".utf8) + Array(repeating: 0, count: 64)
    },
  ]
}
