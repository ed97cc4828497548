// What a misspelt name was meant to be.

/// The candidate with the fewest letters to insert, delete, replace or exchange with a neighbour, or
/// nil where all are too far from `word` to be meant.
///
/// The distance is that of optimal string alignment (Damerau 1964, Levenshtein 1966).
package func nearestName(to word: String, among candidates: [String]) -> String? {
  let limit = max(1, word.count / 3)
  let distances = candidates.map { (name: $0, distance: alignmentDistance(word, $0)) }
  return distances.filter { $0.distance <= limit }.min { $0.distance < $1.distance }?.name
}

private func alignmentDistance(_ first: String, _ second: String) -> Int {
  let (a, b) = (Array(first.lowercased().prefix(64)), Array(second.lowercased().prefix(64)))
  var rows = [Array(0...b.count)]
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        best = min(best, rows[i - 1][j - 1] + 1)
      }
      row.append(best)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
