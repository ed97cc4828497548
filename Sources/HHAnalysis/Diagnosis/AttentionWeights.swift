// Attention weights as numbers, whatever mechanism makes them.

internal import HHCompute
internal import HHModel

/// The weights of every head over one sequence.
struct AttentionWeights {
  /// values[head][query × length + key].
  let values: [[Float]]
  let length: Int

  /// Reads the weights off a mechanism by letting it mix unit vectors, as many keys at a time as a
  /// head has dimensions: the output of a head at dimension d is then the weight of the d-th key.
  ///
  /// - Parameters:
  ///   - attention: The block's attention.
  ///   - projected: Queries and keys of one sequence; its values are not used.
  ///   - length: Positions of the sequence.
  ///   - mix: The mechanism: [length, heads × head size] of queries, keys and values.
  init(
    _ attention: Attention, _ projected: QueryKeyValue, length: Int,
    mix: (QueryKeyValue) -> Matrix
  ) {
    let (heads, size) = (attention.headCount, attention.headSize)
    var values = [[Float]](
      repeating: [Float](repeating: 0, count: length * length), count: heads)
    let units = Matrix(rows: length, columns: attention.keyValueHeadCount * size)
    for start in stride(from: 0, to: length, by: size) {
      clear(units)
      let keys = start..<min(length, start + size)
      for key in keys {
        for head in 0..<attention.keyValueHeadCount { units[key, head * size + key - start] = 1 }
      }
      let mixed = mix(
        QueryKeyValue(query: projected.query, key: projected.key, value: units))
      for query in 0..<length {
        let row = mixed.rows(query..<query + 1).values
        for head in 0..<heads {
          for key in keys {
            values[head][query * length + key] = row[head * size + key - start]
          }
        }
      }
    }
    self.values = values
    self.length = length
  }

  /// The weights of a query over the keys that it sees.
  func row(head: Int, query: Int, visible: Int) -> ArraySlice<Float> {
    values[head][query * length..<query * length + visible]
  }
}
