// Tensors that a reference implementation wrote, as Swift arrays.

package import HHFormat

/// A safetensors file of expected values.
package struct GoldenTensors {
  private let checkpoint: Checkpoint

  /// Opens the file.
  package init(_ path: String) throws {
    checkpoint = try Checkpoint(opening: path)
  }

  /// The names in the file.
  package var names: [String] { checkpoint.tensors.map(\.name) }

  /// The extents of a tensor, or nil where the file has none of that name.
  package func shape(_ name: String) -> [Int]? { checkpoint[name]?.shape }

  /// The values of a floating-point tensor; empty where the file has none of that name.
  package func floats(_ name: String) throws -> [Float] {
    try checkpoint[name] == nil ? [] : checkpoint.floats(of: name)
  }

  /// The values of an I64 tensor; empty where the file has none of that name.
  package func integers(_ name: String) throws -> [Int] {
    guard let tensor = checkpoint[name], tensor.dtype == .i64 else { return [] }
    let bytes = try checkpoint.bytes(of: name)
    return (0..<tensor.elementCount).map { index in
      (0..<8).reduce(0) { value, byte in
        // Safe: the tensor has eight bytes per element.
        value | Int(unsafe bytes.unsafeLoad(fromByteOffset: index * 8 + byte, as: UInt8.self))
          << (8 * byte)
      }
    }
  }
}

extension Checkpoint {
  /// The values of a floating-point tensor; one that is absent is an error.
  package func floats(of name: String) throws(FormatError) -> [Float] {
    var values = [Float](repeating: .nan, count: self[name]?.elementCount ?? 0)
    var span = values.mutableSpan
    try readFloats(of: name, into: &span)
    return values
  }
}

/// The largest absolute difference between two equally long lists; infinite where they are not.
package func maximumDifference(_ a: [Float], _ b: [Float]) -> Float {
  guard a.count == b.count else { return .infinity }
  var largest: Float = 0
  for (x, y) in zip(a, b) {
    if x.isNaN || y.isNaN { return .infinity }
    largest = max(largest, abs(x - y))
  }
  return largest
}
