// Gradients of the Hedgehog feature maps of one layer.

internal import HHKernels

/// Gradients in the shapes of the parameters of `HedgehogMaps`.
package struct HedgehogMapGradients: Sendable {
  /// dW of the queries (queryHeads, d, f).
  package let weightQ: FloatBuffer
  /// db of the queries (queryHeads, f).
  package let biasQ: FloatBuffer
  /// dW of the keys (keyHeads, d, f).
  package let weightK: FloatBuffer
  /// db of the keys (keyHeads, f).
  package let biasK: FloatBuffer
  private let keyHeads: Int

  /// Creates gradients of zero for `maps`.
  package init(like maps: HedgehogMaps) {
    keyHeads = maps.keyHeads
    weightQ = FloatBuffer(count: maps.weightQ.count)
    biasQ = FloatBuffer(count: maps.biasQ.count)
    weightK = FloatBuffer(count: maps.weightK.count)
    biasK = FloatBuffer(count: maps.biasK.count)
  }

  /// Gradients in buffers that exist: of weights and biases, or of weights alone where the maps have
  /// no biases, whose gradients then go nowhere.
  init(like maps: HedgehogMaps, sharing buffers: [FloatBuffer]) {
    keyHeads = maps.keyHeads
    let hasBias = buffers.count == 4
    weightQ = buffers[0]
    biasQ = hasBias ? buffers[1] : FloatBuffer(count: maps.biasQ.count)
    weightK = buffers[hasBias ? 2 : 1]
    biasK = hasBias ? buffers[3] : FloatBuffer(count: maps.biasK.count)
  }

  /// The gradients in the order of `HedgehogMaps.parameters`.
  package var parameters: [FloatBuffer] { [weightQ, biasQ, weightK, biasK] }

  /// Adds the gradients of items up, sequence by sequence: the order does not depend on threads.
  ///
  /// `partials` holds, for each sequence and key map, dW and db of the queries that go with
  /// it and then dW and db of the keys.
  func add(_ partials: FloatBuffer, batch: Int) {
    let counts = parameters.map { $0.count / keyHeads }
    let width = counts.reduce(0, +)
    parallelFor(count: keyHeads) { range, _ in
      for head in range {
        var start = head * width
        for (target, count) in zip(parameters, counts) {
          let rows = Matrix(
            partials, offset: start, rows: batch, columns: count, stride: keyHeads * width)
          var sums = target.mutableSpan(head * count..<(head + 1) * count)
          addColumnSums(of: rows.span, rows.layout, to: &sums)
          start += count
        }
      }
    }
  }
}
