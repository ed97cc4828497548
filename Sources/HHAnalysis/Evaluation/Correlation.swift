// How well numbers agree with other numbers.

/// Correlation coefficients, from -1 to 1; NaN where one side is constant or empty.
package enum Correlation {
  /// Pearson's: of the values themselves.
  package static func pearson(_ x: [Double], _ y: [Double]) -> Double {
    precondition(x.count == y.count, "pairs of values")
    let count = Double(x.count)
    let (meanX, meanY) = (x.reduce(0, +) / count, y.reduce(0, +) / count)
    var (xx, yy, xy) = (0.0, 0.0, 0.0)
    for (x, y) in zip(x, y) {
      xx += (x - meanX) * (x - meanX)
      yy += (y - meanY) * (y - meanY)
      xy += (x - meanX) * (y - meanY)
    }
    return xy / (xx * yy).squareRoot()
  }

  /// Spearman's: of the ranks; equal values share the mean of their ranks.
  package static func spearman(_ x: [Double], _ y: [Double]) -> Double {
    pearson(ranks(x), ranks(y))
  }

  /// Ranks from 1, ties averaged.
  static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for index in order[start..<end] { ranks[index] = Double(start + end + 1) / 2 }
      start = end
    }
    return ranks
  }
}
