// Linear attention with every map, forward and back, against the quadratic form by the book.

import HHCompute
import HHTestSupport
import Testing

@Suite struct LinearAttentionTests {
  static let scale: Float = 0.4

  @Test("Outputs agree with the quadratic form", arguments: MapCase.all, LinearCase.all)
  func forward(_ test: MapCase, _ size: LinearCase) {
    expectForward(test, size)
  }

  @Test(
    "Outputs with a window agree with the quadratic form", arguments: windowMaps,
    LinearCase.windows)
  func window(_ test: MapCase, _ size: LinearCase) {
    expectForward(test, size)
  }

  static let windowMaps = MapCase.all.filter { !$0.function.storesLogScales }

  private func expectForward(_ test: MapCase, _ size: LinearCase) {
    let (q, k, v) = size.inputs(seed: 51)
    let maps = size.maps(test.function, seed: 52)
    let out = Matrix(rows: q.rows, columns: q.columns)
    LinearAttention.forward(
      q: q, k: k, v: v, shape: size.shape, scale: Self.scale, maps: maps, into: out)
    let reference = LinearReference(
      test, q: q, k: k, shape: size.shape, maps: maps, scale: Self.scale)
    expectValid(out.values, reference.attention.output(v: v, reference.weights()), size.shape)
  }

  /// Compares the rows outside of the padding; what has no weight at all has no output.
  private func expectValid(
    _ actual: [Float], _ expected: [Double], _ shape: AttentionShape, tolerance: Double = 1e-4
  ) {
    let width = shape.queryHeads * shape.headSize
    for row in 0..<shape.batch {
      let range = row * shape.length * width..<(row * shape.length + shape.keyLength(row)) * width
      let (a, e) = (Array(actual[range]), Array(expected[range]))
      expectClose(
        zip(a, e).map { $1.isNaN ? 0 : $0 }, e.map { $0.isNaN ? 0 : $0 }, tolerance: tolerance)
    }
  }

  @Test(
    "No key counts twice and none is missed at any length from 1 to 300", arguments: [1, 7, 64],
    [0, 4])
  func everyLength(window: Int, sinks: Int) {
    let size = LinearCase(
      shape: AttentionShape(
        batch: 1, length: 300, queryHeads: 1, keyValueHeads: 1, headSize: 6, causal: true),
      window: window, sinks: sinks)
    let test = MapCase.all[0]
    let (q, k, v) = size.inputs(seed: 54)
    let maps = size.maps(test.function, seed: 55)
    let reference = LinearReference(
      test, q: q, k: k, shape: size.shape, maps: maps, scale: Self.scale)
    // What a query gives does not depend on how long the sequence is.
    let expected = reference.attention.output(v: v, reference.weights())
    for length in 1...300 {
      var shape = size.shape
      shape.length = length
      let out = Matrix(rows: length, columns: 6)
      LinearAttention.forward(
        q: q.rows(0..<length), k: k.rows(0..<length), v: v.rows(0..<length), shape: shape,
        scale: Self.scale, maps: maps, into: out)
      expectClose(
        out.values, Array(expected[0..<length * 6]), tolerance: 1e-4, "length \(length)")
    }
  }

  @Test(
    "Any number of positions at a time gives what all at once give", arguments: MapCase.all,
    [1, 3, 64, 100])
  func pieces(_ test: MapCase, piece: Int) {
    for (window, sinks) in test.function.storesLogScales
      ? [(0, 0)] : [(0, 0), (1, 0), (5, 0), (90, 0), (1, 2), (5, 70), (90, 4)]
    {
      let size = LinearCase(
        shape: AttentionShape(
          batch: 2, length: 210, queryHeads: 4, keyValueHeads: 2, headSize: 6, causal: true),
        sharing: piece == 3 ? .queryHead : .keyValueHead, window: window, sinks: sinks)
      let (q, k, v) = size.inputs(seed: 56)
      let maps = size.maps(test.function, seed: 57)
      let whole = Matrix(rows: q.rows, columns: q.columns)
      LinearAttention.forward(
        q: q, k: k, v: v, shape: size.shape, scale: Self.scale, maps: maps, into: whole)
      let state = LinearAttentionState(batch: 2, maps: maps)
      let floats = state.count
      for start in stride(from: 0, to: 210, by: piece) {
        let range = start..<min(210, start + piece)
        var shape = size.shape
        shape.length = range.count
        func part(_ matrix: Matrix) -> Matrix {
          let part = Matrix(rows: 2 * range.count, columns: matrix.columns)
          for row in 0..<2 {
            copy(
              matrix.rows(row * 210 + range.lowerBound..<row * 210 + range.upperBound),
              to: part.rows(row * range.count..<(row + 1) * range.count))
          }
          return part
        }
        let out = Matrix(rows: 2 * range.count, columns: q.columns)
        LinearAttention.forward(
          q: part(q), k: part(k), v: part(v), shape: shape, scale: Self.scale, state: state,
          into: out)
        expectClose(
          out.values, part(whole).values.map(Double.init), tolerance: 1e-4,
          "window \(window), sinks \(sinks), from \(start)")
      }
      #expect(state.count == floats && state.position == 210)
    }
  }

  @Test("Without a branch its keys count for nothing", arguments: LinearCase.windows)
  func ablation(_ size: LinearCase) {
    let test = MapCase.all[0]
    let (q, k, v) = size.inputs(seed: 58)
    let maps = size.maps(test.function, seed: 59)
    func outputs(_ maps: FeatureMaps) -> [Float] {
      let out = Matrix(rows: q.rows, columns: q.columns)
      LinearAttention.forward(
        q: q, k: k, v: v, shape: size.shape, scale: Self.scale, maps: maps, into: out)
      return out.values
    }
    func expected(_ test: MapCase, silencing window: Bool) -> [Double] {
      var reference = LinearReference(
        test, q: q, k: k, shape: size.shape, maps: maps, scale: Self.scale)
      if window, let last = reference.parameters.indices.last {
        reference.parameters[last] = reference.parameters[last].map { _ in -.infinity }
      }
      return reference.attention.output(v: v, reference.weights())
    }
    let silent = MapCase(test.kind, test.function) { _, _, _ in [0] }
    expectValid(outputs(maps.withoutWindow()), expected(test, silencing: true), size.shape)
    expectValid(
      outputs(maps.withoutFeatures(keepingWindow: true)), expected(silent, silencing: false),
      size.shape)
    #expect(outputs(maps.withoutFeatures(keepingWindow: false)).allSatisfy { $0 == 0 })
  }

  @Test("Exponentials of any size keep their ratios")
  func extremes() {
    // Keys grow by e^50 from one to the next: every query looks at its own key alone.
    let length = 100
    let shape = AttentionShape(
      batch: 1, length: length, queryHeads: 1, keyValueHeads: 1, headSize: 1, causal: true)
    let x = Matrix(rows: length, columns: 1, (0..<length).map { Float(50 * $0) })
    let v = Matrix(rows: length, columns: 1, (0..<length).map { Float($0) })
    let maps = FeatureMaps(
      LinearAttentionShape(
        function: ExponentialMap(featureSize: 1, isNegated: false), queryHeads: 1,
        keyValueHeads: 1, headSize: 1))
    let out = Matrix(rows: length, columns: 1)
    LinearAttention.forward(q: x, k: x, v: v, shape: shape, scale: 1, maps: maps, into: out)
    expectClose(out.values, v.values.map(Double.init), tolerance: 1e-5)
  }

  @Test("Gradients are those of the quadratic form", arguments: MapCase.smooth, LinearCase.all)
  func backward(_ test: MapCase, _ size: LinearCase) { expectBackward(test, size) }

  @Test(
    "Gradients with a window are those of the quadratic form",
    arguments: MapCase.smooth.filter { !$0.function.storesLogScales }, LinearCase.windows)
  func windowBackward(_ test: MapCase, _ size: LinearCase) { expectBackward(test, size) }

  private func expectBackward(_ test: MapCase, _ size: LinearCase) {
    let (q, k, v) = size.inputs(seed: 61)
    let maps = size.maps(test.function, seed: 62)
    let shape = size.shape
    var samples = Samples(seed: 63)
    let dOut = samples.matrix(q.rows, q.columns)
    for row in 0..<dOut.rows where row % shape.length >= shape.keyLength(row / shape.length) {
      for column in 0..<dOut.columns { dOut[row, column] = 0 }
    }
    let out = Matrix(rows: q.rows, columns: q.columns)
    LinearAttention.forward(
      q: q, k: k, v: v, shape: shape, scale: Self.scale, maps: maps, into: out)
    let gradients = AttentionGradients(
      q: q, k: k, v: v, out: out, dOut: dOut, dQ: samples.matrix(q.rows, q.columns),
      dK: samples.matrix(k.rows, k.columns), dV: samples.matrix(k.rows, k.columns))
    let mapGradients = FeatureMapGradients(like: maps)
    LinearAttention.backward(
      gradients, shape: shape, scale: Self.scale, maps: maps, mapGradients: mapGradients,
      scratch: ScratchSpace())
    let arriving = Array(dOut.doubles.joined())
    // One direction through each of q, k, v and the parameters.
    func moved(_ matrix: Matrix, _ step: [Float], _ t: Float) -> Matrix {
      Matrix(
        rows: matrix.rows, columns: matrix.columns, zip(matrix.values, step).map { $0 + t * $1 })
    }
    func loss(q: Matrix, k: Matrix, v: Matrix, parameters: [[Double]]? = nil) -> Double {
      var reference = LinearReference(
        test, q: q, k: k, shape: shape, maps: maps, scale: Self.scale)
      if let parameters { reference.parameters = parameters }
      let output = reference.attention.output(v: v, reference.weights())
      return weighted(arriving, output.map { $0.isNaN ? 0 : $0 })
    }
    for (name, matrix, gradient) in [
      ("q", q, gradients.dQ), ("k", k, gradients.dK), ("v", v, gradients.dV),
    ] {
      let step = samples.values(matrix.rows * matrix.columns)
      func at(_ t: Float) -> Double {
        let x = moved(matrix, step, t)
        return loss(q: name == "q" ? x : q, k: name == "k" ? x : k, v: name == "v" ? x : v)
      }
      let expected = (at(0x1p-12) - at(-0x1p-12)) / 0x1p-11
      let actual = weighted(gradient.values.map(Double.init), step.map(Double.init))
      expectClose([Float(actual)], [expected], tolerance: 4e-3, name)
    }
    let double = maps.parameters.map { $0.values.map(Double.init) }
    let isTrained = maps.design.parameters.map(\.isTrained)
    let steps = zip(double, isTrained).map { values, isTrained in
      samples.values(values.count).map { isTrained ? Double($0) : 0 }
    }
    func at(_ t: Double) -> Double {
      let parameters = zip(double, steps).map { zip($0, $1).map { $0 + t * $1 } }
      return loss(q: q, k: k, v: v, parameters: parameters)
    }
    let trained = zip(steps, isTrained).filter(\.1).map(\.0)
    guard !trained.isEmpty else { return }
    let expected = (at(1e-4) - at(-1e-4)) / 2e-4
    let actual = zip(mapGradients.parameters, trained).reduce(0) {
      $0 + weighted($1.0.values.map(Double.init), $1.1)
    }
    expectClose([Float(actual)], [expected], tolerance: 4e-3, "parameters")
  }
}
