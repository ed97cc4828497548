// Gradients through attention against PyTorch's and against differences.

import HHCompute
import HHFormat
import HHTestSupport
import Testing

@Suite("Attention gradients") struct AttentionBackwardTests {
  @Test("Golden gradients through both mechanisms agree with PyTorch")
  func golden() throws {
    let tensors = try GoldenTensors(Fixtures.path("golden/distillation.safetensors"))
    var checked = 0
    for entry in try goldenIndex("distillation") {
      let name = try #require(entry["name"]?.string)
      guard tensors.shape("\(name).dout") != nil,
        entry["value_size"]?.integer == entry["head_size"]?.integer
      else { continue }
      checked += 1
      let golden = try GoldenAttention(tensors, name: name, entry)
      let shape = golden.shape
      let scratch = ScratchSpace()
      func gradients(_ out: Matrix) throws -> AttentionGradients {
        let (q, k) = (try golden.matrix("q"), try golden.matrix("k"))
        func empty(_ like: Matrix) -> Matrix { Matrix(rows: like.rows, columns: like.columns) }
        return AttentionGradients(
          q: q, k: k, v: try golden.matrix("v"), out: out, dOut: try golden.matrix("dout"),
          dQ: empty(q), dK: empty(k), dV: empty(k))
      }
      func compare(_ actual: AttentionGradients, _ prefix: String) throws {
        for (matrix, tensor) in [(actual.dQ, "dq"), (actual.dK, "dk"), (actual.dV, "dv")] {
          expectClose(
            matrix.values, try golden.matrix("\(prefix).\(tensor)").values.map(Double.init),
            tolerance: 2e-5, "\(name) \(prefix).\(tensor)")
        }
      }
      let soft = try gradients(golden.matrix("soft"))
      SoftmaxAttention.backward(soft, shape: shape, scale: golden.scale, scratch: scratch)
      try compare(soft, "soft")
      let linear = try gradients(golden.matrix("out"))
      let mapGradients = FeatureMapGradients(like: golden.maps)
      LinearAttention.backward(
        linear, shape: shape, scale: 1, maps: golden.maps, mapGradients: mapGradients,
        scratch: scratch)
      try compare(linear, "out")
      for (gradient, tensor) in zip(mapGradients.parameters, ["dWq", "dbq", "dWk", "dbk"]) {
        expectClose(
          gradient.values, try tensors.floats("\(name).out.\(tensor)").map(Double.init),
          tolerance: 5e-5, "\(name) out.\(tensor)")
      }
    }
    #expect(checked >= 6)
  }

  @Test(
    "Gradients are those of the quadratic form by the book",
    arguments: AttentionCase.all + AttentionCase.sizes)
  func directional(_ test: AttentionCase) {
    let (q, k, v) = test.inputs(seed: 31)
    let maps = test.maps(seed: 32)
    var samples = Samples(seed: 33)
    let dOut = samples.matrix(q.rows, q.columns)
    // What stands in the padding has no meaning: no gradient arrives there.
    for row in 0..<dOut.rows
    where row % test.shape.length
      >= test.shape.keyLength(
        row / test.shape.length)
    { for column in 0..<dOut.columns { dOut[row, column] = 0 } }
    let arriving = Array(dOut.doubles.joined())
    let scratch = ScratchSpace()
    func backward(_ run: (Matrix) -> Void, _ differentiate: (AttentionGradients) -> Void)
      -> AttentionGradients
    {
      let out = Matrix(rows: q.rows, columns: q.columns)
      run(out)
      let gradients = AttentionGradients(
        q: q, k: k, v: v, out: out, dOut: dOut, dQ: samples.matrix(q.rows, q.columns),
        dK: samples.matrix(k.rows, k.columns), dV: samples.matrix(k.rows, k.columns))
      differentiate(gradients)
      return gradients
    }
    let soft = backward {
      SoftmaxAttention.forward(q: q, k: k, v: v, shape: test.shape, scale: 0.3, into: $0)
    } _: {
      SoftmaxAttention.backward($0, shape: test.shape, scale: 0.3, scratch: scratch)
    }
    compare(soft, test, arriving, seed: 34) { reference in
      { reference.softmax($0, $1, $2, scale: 0.3) }
    }
    let mapGradients = FeatureMapGradients(like: maps)
    let linear = backward {
      LinearAttention.forward(q: q, k: k, v: v, shape: test.shape, scale: 1, maps: maps, into: $0)
    } _: {
      LinearAttention.backward(
        $0, shape: test.shape, scale: 1, maps: maps, mapGradients: mapGradients, scratch: scratch)
    }
    let double = DoubleMaps(maps)
    compare(linear, test, arriving, seed: 35) { $0.hedgehog(maps: double) }
    // One direction through all map parameters at once.
    var direction = Samples(seed: 36)
    let steps = mapGradients.parameters.map { direction.values($0.count).map(Double.init) }
    let reference = AttentionReference(q: q, k: k, shape: test.shape)
    func loss(_ t: Double) -> Double {
      var moved = double
      for index in steps.indices {
        for element in steps[index].indices {
          moved.parameters[index][element] += t * steps[index][element]
        }
      }
      return weighted(arriving, reference.output(v: v, reference.hedgehog(maps: moved)))
    }
    let expected = (loss(1e-4) - loss(-1e-4)) / 2e-4
    let actual = zip(mapGradients.parameters, steps).reduce(0) {
      $0 + weighted($1.0.values.map(Double.init), $1.1)
    }
    expectClose([Float(actual)], [expected], tolerance: 2e-4, "maps")
  }

  /// Compares the derivatives in random directions of q, k and v with differences of the output.
  private func compare(
    _ gradients: AttentionGradients, _ test: AttentionCase, _ arriving: [Double], seed: UInt64,
    _ weights: (AttentionReference) -> (Int, Int, Int) -> [Double]
  ) {
    var direction = Samples(seed: seed)
    for (name, matrix, gradient) in [
      ("q", gradients.q, gradients.dQ), ("k", gradients.k, gradients.dK),
      ("v", gradients.v, gradients.dV),
    ] {
      let step = direction.values(matrix.rows * matrix.columns)
      // A power of two, so that the moved values are exact in single precision too.
      func loss(_ t: Float) -> Double {
        let moved = Matrix(
          rows: matrix.rows, columns: matrix.columns, zip(matrix.values, step).map { $0 + t * $1 })
        let reference = AttentionReference(
          q: name == "q" ? moved : gradients.q, k: name == "k" ? moved : gradients.k,
          shape: test.shape)
        return weighted(
          arriving, reference.output(v: name == "v" ? moved : gradients.v, weights(reference)))
      }
      let expected = (loss(0x1p-8) - loss(-0x1p-8)) / 0x1p-7
      let actual = weighted(gradient.values.map(Double.init), step.map(Double.init))
      expectClose([Float(actual)], [expected], tolerance: 1e-3, "\(test.name): \(name)")
    }
  }

  @Test("The number of threads changes nothing, and padding gets nothing")
  func deterministic() {
    let test = AttentionCase(
      name: "padded",
      shape: AttentionShape(
        batch: 3, length: 70, queryHeads: 4, keyValueHeads: 2, headSize: 8, causal: true,
        keyLengths: [70, 65, 0]))
    let (q, k, v) = test.inputs(seed: 41)
    let maps = test.maps(seed: 42)
    let out = Matrix(rows: q.rows, columns: q.columns)
    LinearAttention.forward(q: q, k: k, v: v, shape: test.shape, scale: 1, maps: maps, into: out)
    let dOut = Matrix(rows: q.rows, columns: q.columns, q.values)
    func run() -> [[Float]] {
      let fused = Matrix(rows: q.rows, columns: 64)
      let gradients = AttentionGradients(
        q: q, k: k, v: v, out: out, dOut: dOut, dQ: fused.columns(0..<32),
        dK: fused.columns(32..<48), dV: fused.columns(48..<64))
      let mapGradients = FeatureMapGradients(like: maps)
      LinearAttention.backward(
        gradients, shape: test.shape, scale: 1, maps: maps, mapGradients: mapGradients,
        scratch: ScratchSpace())
      return [fused.values] + mapGradients.parameters.map(\.values)
    }
    let first = run()
    #expect(first == run())
    for row in [70 + 65, 70 + 69, 140, 209] {
      #expect(first[0][row * 64..<(row + 1) * 64].allSatisfy { $0 == 0 })
    }
  }
}

/// One case of `fixtures/golden/distillation`, positions first.
private struct GoldenAttention {
  let tensors: GoldenTensors
  let name: String
  let shape: AttentionShape
  let scale: Float
  let maps: FeatureMaps

  init(_ tensors: GoldenTensors, name: String, _ entry: JSONValue) throws {
    func size(_ key: String) throws -> Int { try #require(entry[key]?.integer) }
    self.tensors = tensors
    self.name = name
    shape = try AttentionShape(
      batch: size("batch"), length: size("length"), queryHeads: size("heads"),
      keyValueHeads: size("key_heads"), headSize: size("head_size"),
      causal: entry["causal"]?.bool == true,
      keyLengths: entry["key_lengths"]?.array?.compactMap(\.integer))
    scale = Float(try #require(entry["scale"]?.double))
    let keyHeads = try #require(tensors.shape("\(name).Wk")?.first)
    maps = FeatureMaps(
      AttentionCase(
        name: name, shape: shape, projectionSize: try size("features"),
        mapsPerQueryHead: keyHeads != shape.keyValueHeads
      ).design)
    for (parameter, tensor) in zip(maps.parameters, ["Wq", "bq", "Wk", "bk"]) {
      let values = try tensors.floats("\(name).\(tensor)")
      var span = parameter.mutableSpan
      for index in span.indices { span[index] = values[index] }
    }
  }

  /// A tensor [batch, heads, length, size] as [batch · length, heads · size].
  func matrix(_ tensor: String) throws -> Matrix {
    let values = try tensors.floats("\(name).\(tensor)")
    let heads = try #require(tensors.shape("\(name).\(tensor)"))[1]
    let (length, d) = (shape.length, shape.headSize)
    let matrix = Matrix(rows: shape.batch * length, columns: heads * d)
    for row in 0..<matrix.rows {
      for column in 0..<matrix.columns {
        let head = row / length * heads + column / d
        matrix[row, column] = values[(head * length + row % length) * d + column % d]
      }
    }
    return matrix
  }
}
