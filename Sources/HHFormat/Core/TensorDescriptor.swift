// What a file says of one tensor: name, element type, shape and where its bytes lie.

/// One entry of a checkpoint's tensor table, already validated against its file.
package struct TensorDescriptor: Sendable, Equatable {
  /// The tensor's name, byte for byte as the file spells it.
  package let name: String
  /// The element type.
  package let dtype: DType
  /// Row-major extents, outermost first; empty for a scalar.
  package let shape: [Int]
  /// Bytes of the tensor inside its file, counted from the start of the file; from 0 for a tensor
  /// that its file stores in another form.
  package let byteRange: Range<Int>

  /// Creates a descriptor; the caller has validated it.
  package init(name: String, dtype: DType, shape: [Int], byteRange: Range<Int>) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.byteRange = byteRange
  }

  /// Number of elements. The shape was validated, so the product cannot overflow.
  package var elementCount: Int { shape.reduce(1, *) }
  /// Number of bytes.
  package var byteCount: Int { byteRange.count }
}

/// The product of a shape's extents, or nil where it overflows.
package func checkedElementCount(_ shape: [Int]) -> Int? {
  var count = 1
  for extent in shape {
    let (product, overflow) = count.multipliedReportingOverflow(by: extent)
    if overflow || extent < 0 { return nil }
    count = product
  }
  return count
}
