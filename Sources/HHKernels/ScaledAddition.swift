// x += factor · y.

internal import CHHKernels

/// x += factor · y for the elements of `x` from `start` on, as many as `y` has: every element is
/// rounded in the same way wherever it lies.
package func addScaled(
  _ y: Span<Float>, factor: Float, to x: inout MutableSpan<Float>, at start: Int
) {
  let count = y.count
  precondition(start >= 0, "addScaled: start")
  // Safe: `address` checked that `x` holds `start + count` elements and `y` `count`.
  unsafe x.address(needing: start + count) { x in
    unsafe y.address(needing: count) { y in unsafe hh_add_scaled(count, x + start, y, factor) }
  }
}
