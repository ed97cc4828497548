// Safetensors files and indexes made in code, right and wrong, the same for the same seed.

package import HHFormat

/// Makes checkpoint files from a seed.
package struct FileForge {
  private var state: UInt64

  /// Starts a repeatable sequence.
  package init(seed: UInt64) { state = seed }

  /// The next number of the sequence (SplitMix64; Steele, Lea and Flood 2014).
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// The next number below `bound`, which is positive.
  package mutating func next(below bound: Int) -> Int { Int(next() % UInt64(bound)) }

  /// Bytes of any value.
  package mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  /// A valid file with random tensor bytes, tensors in the given order.
  package mutating func safetensors(
    _ tensors: [SafetensorsWriter.Declaration], metadata: [(String, String)] = []
  ) throws -> [UInt8] {
    let size = tensors.reduce(0) { $0 + (SafetensorsWriter.byteCount($1) ?? 0) }
    return try SafetensorsWriter.header(tensors: tensors, metadata: metadata) + bytes(size)
  }

  /// A file with any header text and data; `length` overrides the true length of the header.
  package static func safetensors(
    header: String, data: [UInt8] = [], length: UInt64? = nil
  ) -> [UInt8] {
    let length = length ?? UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + Array(header.utf8) + data
  }

  /// An index that names a file for each tensor.
  package static func index(_ placements: [(tensor: String, file: String)]) -> String {
    var map = JSONObject()
    for placement in placements { map[placement.tensor] = .string(placement.file) }
    return JSONValue.object([
      "metadata": .object(["total_size": .integer(0)]), "weight_map": .object(map),
    ])
    .text
  }
}
