// Where the largest value of each row is.

extension Matrix {
  /// The column of each row's largest value, the first of equal ones. A NaN is not larger than
  /// anything, so that it counts only in the first column, where nothing is larger than it. For a
  /// matrix with at least one column.
  package var argmaxOfRows: [Int] {
    let span = buffer.span
    return (0..<rows).map { row in
      let start = offset + row * stride
      var best = start
      for index in start..<start + columns where span[index] > span[best] { best = index }
      return best - start
    }
  }
}
