// A feature map applied to random rows.

import HHCompute
import HHTestSupport

/// A feature map with what it makes of random rows.
struct MapRun {
  let x: Matrix
  let parameters: [Matrix]
  let phi: Matrix
  let scales: FloatBuffer
  let scratch: FloatBuffer
  let position = 37

  init(_ function: any FeatureFunction, rows: Int, headSize: Int, seed: UInt64, spread: Float = 1) {
    var samples = Samples(seed: seed)
    x = samples.matrix(rows, headSize, spread: spread)
    let shapes = function.parameters(headSize: headSize)
    parameters = zip(shapes, function.initialValues(headSize: headSize)).map { shape, values in
      let moved = values.map { $0 + (shape.isTrained ? 0.3 * samples.next() : 0) }
      return Matrix(rows: 1, columns: shape.count, moved)
    }
    phi = Matrix(rows: rows, columns: function.featureCount(headSize: headSize))
    scales = FloatBuffer(count: rows)
    scratch = FloatBuffer(count: function.scratchCount(rows: rows, headSize: headSize))
    function.forward(input, into: phi, scales: scales)
  }

  var input: FeatureInput {
    FeatureInput(x: x, position: position, parameters: parameters, scratch: scratch)
  }
}
