// Copying between views.

internal import HHKernels

/// target = source, of the same shape; the two must not overlap.
package func copy(_ source: Matrix, to target: Matrix) {
  precondition(
    source.rows == target.rows && source.columns == target.columns, "copy: shapes differ")
  parallelRows(source.rows, columns: source.columns, elements: 1 << 16) { range in
    for row in range {
      let from = source.offset + row * source.stride
      let to = target.offset + row * target.stride
      let values = source.buffer.span(from..<from + source.columns)
      var span = target.buffer.mutableSpan(to..<to + target.columns)
      for index in 0..<values.count { span[index] = values[index] }
    }
  }
}

/// target = source, as many elements; the two must not overlap.
package func copy(_ source: FloatBuffer, to target: FloatBuffer) {
  precondition(source.count == target.count, "copy: sizes differ")
  parallelFor(count: source.count, grain: 1 << 18) { range, _ in
    let values = source.span(range)
    var span = target.mutableSpan(range)
    for index in 0..<values.count { span[index] = values[index] }
  }
}

/// Takes the rows of a view of a file out of memory until they are used again; see `FloatBuffer`.
package func evict(_ x: Matrix) {
  x.buffer.evict(x.offset..<x.offset + x.layout.extent)
}

/// Every element becomes zero.
package func clear(_ x: Matrix) {
  parallelRows(x.rows, columns: x.columns, elements: 1 << 16) { range in
    for row in range {
      let start = x.offset + row * x.stride
      var span = x.buffer.mutableSpan(start..<start + x.columns)
      span.update(repeating: 0)
    }
  }
}

/// Every element becomes zero.
package func clear(_ buffer: FloatBuffer) {
  parallelFor(count: buffer.count, grain: 1 << 18) { range, _ in
    var span = buffer.mutableSpan(range)
    span.update(repeating: 0)
  }
}
