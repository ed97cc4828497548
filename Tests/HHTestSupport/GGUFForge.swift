// GGUF files made in code, right and wrong.

package import HHFormat

/// A GGUF file as parts that a test can change one by one; `bytes` puts them together. What is nil
/// follows from the rest.
package struct GGUFForge {
  /// A key with its value's bytes.
  package struct Key {
    package var name: [UInt8]
    package var nameLength: UInt64?
    package var type: UInt32
    package var value: [UInt8]
  }

  /// A tensor with its data.
  package struct Tensor {
    package var name: [UInt8]
    package var nameLength: UInt64?
    package var rank: UInt32?
    /// Innermost first, as in the file.
    package var extents: [UInt64]
    package var type: UInt32
    package var offset: UInt64?
    package var data: [UInt8]
  }

  package var magic: [UInt8] = Array("GGUF".utf8)
  package var version: UInt32
  package var isBigEndian: Bool
  package var keyCount: UInt64?
  package var tensorCount: UInt64?
  package var keys: [Key] = []
  package var tensors: [Tensor] = []
  /// What offsets are rounded up to; the key is up to the test.
  package var alignment = 32
  package var padsEnd = true
  package var trailing: [UInt8] = []

  /// Starts an empty file.
  package init(version: UInt32 = 3, isBigEndian: Bool = false) {
    self.version = version
    self.isBigEndian = isBigEndian
  }

  /// An integer in the file's byte order.
  package func integer<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    let bytes = (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
    return isBigEndian ? bytes.reversed() : bytes
  }

  /// A length or count in the width of the version.
  package func length(_ value: UInt64) -> [UInt8] {
    version == 1 ? integer(UInt32(truncatingIfNeeded: value)) : integer(value)
  }

  /// A string with its length.
  package func string(_ text: String) -> [UInt8] {
    length(UInt64(text.utf8.count)) + Array(text.utf8)
  }

  /// An array's element type, count and elements.
  package func array(_ type: GGUFValueType, _ count: UInt64, _ elements: [UInt8]) -> [UInt8] {
    integer(type.rawValue) + length(count) + elements
  }

  /// Adds a key.
  package mutating func add(_ name: String, _ type: GGUFValueType, _ value: [UInt8]) {
    keys.append(Key(name: Array(name.utf8), nameLength: nil, type: type.rawValue, value: value))
  }

  /// Adds a string key.
  package mutating func add(_ name: String, _ text: String) { add(name, .string, string(text)) }

  /// Adds a whole number.
  package mutating func add(_ name: String, _ number: UInt32) {
    add(name, .uint32, integer(number))
  }

  /// Adds a tensor; the shape is outermost first.
  package mutating func add(
    tensor name: String, _ type: GGMLType, _ shape: [Int], _ data: [UInt8]
  ) {
    tensors.append(
      Tensor(
        name: Array(name.utf8), nameLength: nil, rank: nil,
        extents: shape.reversed().map { UInt64($0) }, type: type.rawValue, offset: nil, data: data))
  }

  /// The file.
  package var bytes: [UInt8] {
    var result = magic + integer(version)
    result += length(tensorCount ?? UInt64(tensors.count))
    result += length(keyCount ?? UInt64(keys.count))
    for key in keys {
      result += length(key.nameLength ?? UInt64(key.name.count)) + key.name
      result += integer(key.type) + key.value
    }
    var data: [UInt8] = []
    for (number, tensor) in tensors.enumerated() {
      result += length(tensor.nameLength ?? UInt64(tensor.name.count)) + tensor.name
      result += integer(tensor.rank ?? UInt32(tensor.extents.count))
      for extent in tensor.extents { result += length(extent) }
      result += integer(tensor.type) + integer(tensor.offset ?? UInt64(data.count))
      data += tensor.data
      if number < tensors.count - 1 || padsEnd { data += padding(data.count) }
    }
    if !tensors.isEmpty { result += padding(result.count) }
    return result + data + trailing
  }

  private func padding(_ count: Int) -> [UInt8] {
    Array(repeating: 0, count: (alignment - count % alignment) % alignment)
  }

  /// A small file with a key of every type and three tensors, one of them quantised; the last ends
  /// where the file does.
  package static func sample(version: UInt32 = 3, isBigEndian: Bool = false) -> GGUFForge {
    var forge = GGUFForge(version: version, isBigEndian: isBigEndian)
    forge.add("general.architecture", "example")
    forge.add("k.u8", .uint8, [200])
    forge.add("k.i8", .int8, [0x9C])
    forge.add("k.u16", .uint16, forge.integer(UInt16(60000)))
    forge.add("k.i16", .int16, forge.integer(Int16(-30000)))
    forge.add("k.u32", 4_000_000_000)
    forge.add("k.i32", .int32, forge.integer(Int32(-2_000_000_000)))
    forge.add("k.u64", .uint64, forge.integer(UInt64.max))
    forge.add("k.i64", .int64, forge.integer(Int64.min))
    forge.add("k.f32", .float32, forge.integer(Float(1e-5).bitPattern))
    forge.add("k.f64", .float64, forge.integer(1e-300.bitPattern))
    forge.add("k.bool", .bool, [1])
    forge.add("k.names", .array, forge.array(.string, 2, forge.string("é") + forge.string("")))
    forge.add("k.counts", .array, forge.array(.int16, 2, [0, 1, 2, 3]))
    forge.add("k.flags", .array, forge.array(.bool, 2, [0, 1]))
    forge.add(
      tensor: "a", .f32, [2, 3], (0..<6).flatMap { forge.integer(Float($0).bitPattern) })
    forge.add(
      tensor: "b", .q8_0, [1, 32], forge.integer(UInt16(0x3C00)) + (0..<32).map { UInt8($0) })
    forge.add(
      tensor: "c", .bf16, [16], (0..<16).flatMap { forge.integer(UInt16(0x3F80 + $0)) })
    return forge
  }
}
