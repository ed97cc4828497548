// Rotary positions.

internal import CHHKernels

/// Turns the heads of `x` in place, rotate-half layout, or back. Row i is at position
/// (firstRow + i) mod length + offset of the tables, which hold headSize / 2 values per position.
package func applyRotary(
  _ x: inout MutableSpan<Float>, _ layout: RowLayout, headSize: Int, cosine: Span<Float>,
  sine: Span<Float>, firstRow: Int, length: Int, offset: Int, backwards: Bool
) {
  precondition(headSize > 0 && headSize.isMultiple(of: 2), "applyRotary: an even head size")
  precondition(layout.columns.isMultiple(of: headSize), "applyRotary: whole heads")
  precondition(firstRow >= 0 && length > 0 && offset >= 0, "applyRotary: positions")
  let table = (length + offset) * (headSize / 2)
  // Safe: every position is below length + offset, and `address` checked the extents.
  unsafe x.address(needing: layout.extent) { x in
    unsafe cosine.address(needing: table) { cosine in
      unsafe sine.address(needing: table) { sine in
        unsafe hh_rotary(
          layout.rows, layout.columns / headSize, headSize, x, layout.stride, cosine, sine,
          firstRow, length, offset, backwards ? -1 : 1)
      }
    }
  }
}
