// Distillation against the definition, central differences and PyTorch.

import HHCompute
import HHFormat
import HHTestSupport
import Testing

@Suite struct AttentionDistillationTests {
  static let scale: Float = 0.375

  @Test(
    "Loss and divergence agree with the definition",
    arguments: AttentionCase.all + AttentionCase.sizes)
  func loss(_ test: AttentionCase) {
    let (q, k, _) = test.inputs(seed: 31)
    let maps = test.maps(seed: 32)
    let loss = AttentionDistillation().lossAndGradient(
      q: q, k: k, v: nil, shape: test.shape, scale: Self.scale, maps: maps,
      gradients: FeatureMapGradients(like: maps), measure: .lossOnly)
    let reference = DistillationReference(
      AttentionReference(q: q, k: k, shape: test.shape), scale: Double(Self.scale))
    let expected = reference.crossEntropy(maps: DoubleMaps(maps))
    #expect(abs(loss.meanCrossEntropy - expected) < 2e-6 * (1 + expected))
    let divergence = expected + reference.negativeEntropy
    #expect(abs(loss.meanDivergence - divergence) < 2e-6 * (1 + divergence))
    #expect(loss.smallestDenominator > 0)
  }

  @Test("Gradients agree with central differences in double precision", arguments: gradientCases)
  func gradients(_ test: AttentionCase) {
    let (q, k, _) = test.inputs(seed: 33)
    let maps = test.maps(seed: 34)
    let gradients = FeatureMapGradients(like: maps)
    _ = AttentionDistillation().lossAndGradient(
      q: q, k: k, v: nil, shape: test.shape, scale: Self.scale, maps: maps, gradients: gradients,
      measure: .gradientOnly)
    let reference = DistillationReference(
      AttentionReference(q: q, k: k, shape: test.shape), scale: Double(Self.scale))
    let step = 1e-5
    for (buffer, gradient) in gradients.parameters.map(\.values).enumerated() {
      let size = gradient.map { abs(Double($0)) }.max() ?? 0
      // An odd stride visits rows, columns and heads.
      for index in stride(from: 0, to: gradient.count, by: max(1, gradient.count / 5) | 1) {
        var (above, below) = (DoubleMaps(maps), DoubleMaps(maps))
        above.parameters[buffer][index] += step
        below.parameters[buffer][index] -= step
        let losses = [above, below].map(reference.crossEntropy(maps:))
        let difference = (losses[0] - losses[1]) / (2 * step)
        let error = abs(Double(gradient[index]) - difference)
        #expect(error <= 1e-3 * max(abs(difference), 0.05 * size) + 1e-9)
      }
    }
  }

  static let gradientCases =
    AttentionCase.all.filter { $0.shape.length <= 33 } + AttentionCase.sizes

  @Test("The result does not depend on the number of threads")
  func threads() async {
    // In a process of its own: the number of threads is the process's, other tests need it still.
    await #expect(processExitsWith: .success) {
      for test in AttentionCase.all {
        let (q, k, _) = test.inputs(seed: 35)
        let maps = test.maps(seed: 36)
        let results = [1, 2, 3].map { threads in
          ThreadPolicy.use(threads: threads)
          let gradients = FeatureMapGradients(like: maps)
          let loss = AttentionDistillation().lossAndGradient(
            q: q, k: k, v: nil, shape: test.shape, scale: Self.scale, maps: maps,
            gradients: gradients)
          return (loss, gradients.parameters.map(\.values))
        }
        #expect(results[0].0 == results[1].0 && results[0].0 == results[2].0, "\(test)")
        #expect(results[0].1 == results[1].1 && results[0].1 == results[2].1, "\(test)")
      }
    }
  }

  @Test("What a call computes does not depend on what else is asked, nor on calls before it")
  func reuse() {
    let distillation = AttentionDistillation()
    for test in AttentionCase.all + AttentionCase.all.reversed() {
      let (q, k, _) = test.inputs(seed: 37)
      let maps = test.maps(seed: 38)
      func run(
        _ object: AttentionDistillation, _ measure: AttentionDistillation.Measure
      ) -> (DistillationLoss, [[Float]]) {
        let gradients = FeatureMapGradients(like: maps)
        let loss = object.lossAndGradient(
          q: q, k: k, v: nil, shape: test.shape, scale: Self.scale, maps: maps,
          gradients: gradients,
          measure: measure)
        return (loss, gradients.parameters.map(\.values))
      }
      let fresh = run(AttentionDistillation(), .both)
      #expect(run(distillation, .both) == fresh)
      #expect(run(distillation, .lossOnly).0 == fresh.0)
      #expect(run(distillation, .gradientOnly).1 == fresh.1)
    }
  }

  @Test("Similarities of zero and huge scores leave everything finite")
  func extremes() {
    let shape = AttentionShape(
      batch: 1, length: 20, queryHeads: 1, keyValueHeads: 1, headSize: 8, causal: true)
    let test = AttentionCase(name: "extreme", shape: shape)
    let (q, k, _) = test.inputs(seed: 39, spread: 500)
    let maps = FeatureMaps(test.design)
    let gradients = FeatureMapGradients(like: maps)
    let loss = AttentionDistillation().lossAndGradient(
      q: q, k: k, v: nil, shape: shape, scale: 1, maps: maps, gradients: gradients)
    #expect(loss.meanCrossEntropy.isFinite && loss.meanDivergence.isFinite)
    #expect(gradients.parameters.allSatisfy { $0.values.allSatisfy(\.isFinite) })
  }

  @Test("Loss, divergence and gradients agree with PyTorch in double precision")
  func golden() throws {
    let tensors = try GoldenTensors(Fixtures.path("golden/distillation.safetensors"))
    let index = try goldenIndex("distillation")
    for entry in index {
      let name = try #require(entry["name"]?.string)
      func size(_ key: String) throws -> Int { try #require(entry[key]?.integer) }
      let shape = try AttentionShape(
        batch: size("batch"), length: size("length"), queryHeads: size("heads"),
        keyValueHeads: size("key_heads"), headSize: size("head_size"),
        causal: entry["causal"]?.bool == true,
        keyLengths: entry["key_lengths"]?.array?.compactMap(\.integer))
      let keyHeads = try #require(tensors.shape("\(name).Wk")).first
      let test = try AttentionCase(
        name: name, shape: shape, projectionSize: size("features"),
        mapsPerQueryHead: keyHeads != shape.keyValueHeads)
      let maps = FeatureMaps(test.design)
      for (parameter, tensor) in zip(maps.parameters, ["Wq", "bq", "Wk", "bk"]) {
        let values = try tensors.floats("\(name).\(tensor)")
        var span = parameter.mutableSpan
        for index in span.indices { span[index] = values[index] }
      }
      func positionsFirst(_ tensor: String, heads: Int) throws -> Matrix {
        let values = try tensors.floats("\(name).\(tensor)")
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
      let gradients = FeatureMapGradients(like: maps)
      let loss = try AttentionDistillation().lossAndGradient(
        q: positionsFirst("q", heads: shape.queryHeads),
        k: positionsFirst("k", heads: shape.keyValueHeads), v: nil, shape: shape,
        scale: Float(#require(entry["scale"]?.double)), maps: maps, gradients: gradients)
      let heads = zip([loss.crossEntropy, loss.divergence], ["head_loss", "head_kl"])
      for (values, tensor) in heads {
        let expected = try tensors.floats("\(name).\(tensor)").map(Double.init)
        expectClose(values.map(Float.init), expected, tolerance: 1e-5, "\(name) \(tensor)")
      }
      for (gradient, tensor) in zip(gradients.parameters, ["dWq", "dbq", "dWk", "dbk"]) {
        let expected = try tensors.floats("\(name).\(tensor)")
        let largest = expected.reduce(1e-6) { max($0, abs($1)) }
        let difference = maximumDifference(gradient.values, expected)
        #expect(difference <= 1e-4 * largest, "\(name) \(tensor)")
      }
    }
  }
}
