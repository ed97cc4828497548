// Whole models' gradients against PyTorch's and against differences of the loss.

import HHCompute
import HHData
import HHFormat
import HHModel
import HHTestSupport
import HHTraining
import ModelTestSupport
import Testing

@Suite("GradientRunner")
struct GradientRunnerTests {
  @Test(
    "losses and gradients of every architecture are PyTorch's",
    arguments: [false, true], [512, 7])
  func equalsReference(recomputing: Bool, logitPositions: Int) throws {
    let golden = try GoldenTensors(Fixtures.path("golden/backward.safetensors"))
    var checked = 0
    for entry in try GoldenBackward.index() {
      let (model, input, objective) = try entry.model(golden)
      let parameters = try TrainableParameters(
        of: model, trained: .everything, reaching: objective.kind)
      let runner = GradientRunner(model: model, parameters: parameters)
      runner.recomputesBlocks = recomputing
      runner.logitPositions = logitPositions
      let loss = try runner.lossAndGradients(input, objective)
      #expect(abs(loss.mean - entry.loss) <= 1e-5 * entry.loss, "\(entry.name)")
      #expect(try abs(runner.loss(input, objective).mean - loss.mean) < 1e-9)
      var missing = Set(golden.names.filter { entry.isWeight($0) })
      for parameter in parameters.all {
        let name = "\(entry.name)/\(parameter.name)"
        missing.remove(name)
        guard !parameter.name.contains("feature_map") else { continue }
        let expected = try golden.floats(name)
        try #require(!expected.isEmpty, "\(name)")
        let values = parameter.gradient.values
        let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        // Some are zero but for rounding, such as that of a key's bias under softmax.
        let tolerance = 1e-4 * Double(expected[0]) + 5e-7
        #expect(abs(norm - Double(expected[0])) <= tolerance, "\(name)")
        let step = max(1, (values.count + 23) / 24)
        let sampled = stride(from: 0, to: values.count, by: step).map { values[$0] }
        #expect(
          maximumDifference(sampled, Array(expected.dropFirst())) <= Float(tolerance), "\(name)")
        checked += 1
      }
      #expect(missing.isEmpty, "\(entry.name)")
      for (layer, gradients) in parameters.mapGradients {
        for (gradient, letters) in zip(gradients.parameters, ["dWq", "dbq", "dWk", "dbk"]) {
          let expected = try golden.floats("\(entry.name)/layers.\(layer).\(letters)")
          let largest = expected.map(abs).max() ?? 0
          #expect(
            maximumDifference(gradient.values, expected) <= 2e-4 * largest + 1e-7,
            "\(entry.name) layer \(layer) \(letters)")
        }
      }
    }
    #expect(checked > 500)
  }

  @Test("in bfloat16 losses and gradients are PyTorch's within its rounding")
  func roundedProducts() throws {
    let golden = try GoldenTensors(Fixtures.path("golden/backward.safetensors"))
    for entry in try GoldenBackward.index() {
      let (model, input, objective) = try entry.model(golden)
      let parameters = try TrainableParameters(
        of: model, trained: .everything, reaching: objective.kind)
      let runner = GradientRunner(model: model, parameters: parameters)
      model.precision = .bfloat16
      let loss = try runner.lossAndGradients(input, objective).mean
      #expect(loss != entry.loss && abs(loss - entry.loss) <= 0.01 * entry.loss, "\(entry.name)")
      var (square, expected) = (0.0, 0.0)
      for parameter in parameters.all where !parameter.name.contains("feature_map") {
        square += parameter.gradient.values.reduce(0) { $0 + Double($1) * Double($1) }
        let norm = Double(try golden.floats("\(entry.name)/\(parameter.name)")[0])
        expected += norm * norm
      }
      #expect(abs((square / expected).squareRoot() - 1) < 0.02, "\(entry.name)")
    }
  }

  @Test("a second call adds its gradients, and a divisor scales them")
  func accumulates() throws {
    let golden = try GoldenTensors(Fixtures.path("golden/backward.safetensors"))
    let entry = try #require(GoldenBackward.index().first { $0.name == "llama-gqa-hedgehog" })
    let (model, input, objective) = try entry.model(golden)
    let parameters = try TrainableParameters(
      of: model, trained: .everything, reaching: objective.kind)
    let runner = GradientRunner(model: model, parameters: parameters)
    let loss = try runner.lossAndGradients(input, objective)
    let once = parameters.all.map(\.gradient.values)
    _ = try runner.lossAndGradients(input, objective, divisor: 2 * loss.count)
    for (parameter, first) in zip(parameters.all, once) {
      let largest = first.map(abs).max() ?? 0
      #expect(
        maximumDifference(parameter.gradient.values, first.map { 1.5 * $0 }) <= 1e-5 * largest)
    }
    parameters.clearGradients()
    #expect(parameters.all.allSatisfy { $0.gradient.values.allSatisfy { $0 == 0 } })
    // Two halves of a batch give what the whole gives.
    for rows in [0..<1, 1..<input.rowCount] {
      _ = try runner.lossAndGradients(input.rows(rows), objective, divisor: loss.count)
    }
    for (parameter, first) in zip(parameters.all, once) {
      let largest = first.map(abs).max() ?? 0
      #expect(maximumDifference(parameter.gradient.values, first) <= 2e-5 * largest)
    }
  }

  @Test(
    "a teacher's logits and states lead to differences' gradients",
    arguments: ["gpt2-base", "bert-masked-lm", "bert-classifier", "vit-classifier"])
  func teachers(_ name: String) throws {
    let teacher = try Models.golden(name)
    let input = try Models.input(name)
    for isLogits in [true, false] {
      let student = try Models.golden(name).rewritten()
      let objective: Objective =
        isLogits
        ? .teacherLogits(Teacher(teacher), temperature: 2) : .teacherStates(Teacher(teacher))
      let parameters = try TrainableParameters(
        of: student, trained: .featureMaps, reaching: objective.kind)
      try expectDifferences(student, parameters, input, objective, step: 0x1p-6, tolerance: 3e-3)
    }
  }

  @Test(
    "every feature map gets differences' gradients through a whole decoder",
    arguments: FeatureMapKind.allCases)
  func featureMaps(_ kind: FeatureMapKind) throws {
    let model = try Models.golden("gpt2-base").rewritten(LinearAttentionSettings(kind))
    let input = try Models.input("gpt2-base")
    // The answers of associative recall: some positions of a decoder, the others not.
    let ids = try #require(input.tokens).ids
    let labels = ids.indices.map { $0.isMultiple(of: 3) ? ids[$0] : -100 }
    let parameters = try TrainableParameters(
      of: model, trained: .everything, reaching: .maskedTokens)
    let maps = parameters.all.filter { $0.name.contains("feature_map") }
    #expect(maps.isEmpty == (kind == .performer || !kind.hasDimension))
    // Rectified maps have kinks, which a small step seldom crosses.
    try expectDifferences(
      model, parameters, input, .maskedTokens(labels), step: 0x1p-9, tolerance: 3e-3)
  }

  @Test("adapters get differences' gradients, with dropout too", arguments: [0.0, 0.3])
  func adapters(dropout: Double) throws {
    for name in ["gpt2-base", "llama-gqa"] {
      let model = try Models.golden(name)
      var settings = LowRankSettings()
      settings.rank = 3
      settings.dropout = dropout
      settings.targets += name == "gpt2-base" ? ["up", "down"] : ["up", "down", "gate"]
      let parameters = try TrainableParameters(
        of: model, trained: .adapters(settings), reaching: .nextToken, seed: 5)
      #expect(parameters.adapters.count == (name == "gpt2-base" ? 8 : 14))
      var forge = FileForge(seed: 3)
      for (_, adapter) in parameters.adapters.sorted(by: { $0.key < $1.key }) {
        var span = adapter.b.buffer.mutableSpan
        for index in span.indices { span[index] = Float(forge.next(below: 2001) - 1000) / 20_000 }
      }
      try expectDifferences(
        model, parameters, try Models.input(name), .nextToken, step: 0x1p-8, tolerance: 3e-3)
    }
  }

  @Test("merged adapters give the logits of separate ones, and come off again")
  func merging() throws {
    for name in ["gpt2-base", "llama-gqa"] {
      let model = try Models.golden(name)
      let input = try Models.input(name)
      let parameters = try TrainableParameters(
        of: model, trained: .adapters(LowRankSettings()), reaching: .nextToken)
      var forge = FileForge(seed: 4)
      for (_, adapter) in parameters.adapters.sorted(by: { $0.key < $1.key }) {
        var span = adapter.b.buffer.mutableSpan
        for index in span.indices { span[index] = Float(forge.next(below: 2001) - 1000) / 20_000 }
      }
      let runner = GradientRunner(model: model, parameters: parameters)
      let separate = try runner.loss(input, .nextToken).mean
      let without = try GradientRunner(
        model: model,
        parameters: TrainableParameters(
          of: model, trained: ParameterSelection(weights: false, maps: false), reaching: .nextToken)
      )
      let before = try without.loss(input, .nextToken).mean
      parameters.mergeAdapters(into: model)
      #expect(abs(try without.loss(input, .nextToken).mean - separate) < 1e-5)
      parameters.mergeAdapters(into: model, undoing: true)
      #expect(abs(try without.loss(input, .nextToken).mean - before) < 1e-5)
      // Ten times what merging may change: the adapters do something.
      #expect(abs(before - separate) > 1e-4)
    }
  }

  @Test("a target that no linear map answers to is refused with the ones there are")
  func unknownTarget() throws {
    var settings = LowRankSettings()
    settings.targets = ["q_proj", "qproj"]
    let model = try Models.golden("llama-gqa")
    #expect(throws: PipelineError.self) {
      try TrainableParameters(of: model, trained: .adapters(settings), reaching: .nextToken)
    }
    settings.targets = ["q_proj", "value"]
    let parameters = try TrainableParameters(
      of: model, trained: .adapters(settings), reaching: .nextToken)
    #expect(parameters.adapters.count == 4)
  }

  @Test("roles that share a tensor share a gradient")
  func tied() throws {
    let model = try Models.golden("llama-gqa")
    let parameters = try TrainableParameters(
      of: model, trained: .everything, reaching: .nextToken)
    let names = parameters.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(
      try model.parameters.vector("head.weight")
        === model.parameters.vector("embedding.token.weight"))
    model.parameters.release()
    let kept = try model.parameters.vector("head.weight")
    #expect(parameters.all.contains { $0.value === kept })
  }

  /// Compares the derivative in one random direction through all parameters with a difference.
  private func expectDifferences(
    _ model: ModelRunner, _ parameters: TrainableParameters, _ input: ModelInput,
    _ objective: Objective, step: Float, tolerance: Double
  ) throws {
    let runner = GradientRunner(model: model, parameters: parameters)
    runner.dropoutKey = 77
    _ = try runner.lossAndGradients(input, objective)
    let gradients = parameters.all.map(\.gradient.values)
    // Along the gradient itself the loss moves most, so that rounding matters least.
    let norm = gradients.joined().reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    try #require(norm > 0)
    let start = parameters.all.map(\.value.values)
    func loss(_ t: Float) throws -> Double {
      for (index, parameter) in parameters.all.enumerated() {
        var span = parameter.value.mutableSpan
        for element in span.indices {
          span[element] =
            start[index][element] + t * gradients[index][element] / Float(norm)
        }
      }
      defer { parameters.clearGradients() }
      return try runner.lossAndGradients(input, objective).mean
    }
    // Richardson's extrapolation of two central differences: curvature cancels.
    let slopes = try [step, step / 2].map { t in
      try (loss(t) - loss(-t)) / Double(2 * t)
    }
    let slope = (4 * slopes[1] - slopes[0]) / 3
    // The loss is known to about 1e-7 whatever the kernels, a slope by that over the step.
    let rounding = 4e-7 / Double(step)
    #expect(abs(slope - norm) <= max(tolerance * norm, rounding), "\(slopes) \(norm)")
  }
}

/// A case of `fixtures/golden/backward`.
struct GoldenBackward {
  let name: String
  let modelName: String
  let objective: String
  let isHedgehog: Bool
  let loss: Double

  static func index() throws -> [GoldenBackward] {
    let file = try MappedFile(at: Fixtures.path("golden/backward.json"))
    let entries = try #require(JSONValue(parsing: file.bytes.octets).array)
    return try entries.map { entry in
      GoldenBackward(
        name: try #require(entry["case"]?.string), modelName: try #require(entry["model"]?.string),
        objective: try #require(entry["objective"]?.string),
        isHedgehog: entry["hedgehog"]?.bool == true, loss: try #require(entry["loss"]?.double))
    }
  }

  /// Whether a golden tensor is the gradient of one of the checkpoint's own.
  func isWeight(_ tensor: String) -> Bool {
    let maps = ["Wq", "bq", "Wk", "bk"]
    return tensor.hasPrefix("\(name)/")
      && !maps.contains { tensor.hasSuffix(".\($0)") || tensor.hasSuffix(".d\($0)") }
  }

  func model(_ golden: GoldenTensors) throws -> (ModelRunner, ModelInput, Objective) {
    var model = try Models.golden(modelName)
    let input = try Models.input(modelName)
    if isHedgehog {
      model = model.rewritten()
      for (layer, maps) in model.maps {
        for (parameter, letters) in zip(maps.parameters, ["Wq", "bq", "Wk", "bk"]) {
          let values = try golden.floats("\(name)/layers.\(layer).\(letters)")
          var span = parameter.mutableSpan
          for index in span.indices { span[index] = values[index] }
        }
      }
    }
    return (model, input, try target(input, model))
  }

  private func target(_ input: ModelInput, _ model: ModelRunner) throws -> Objective {
    switch objective {
    case "next-token": return .nextToken
    case "classes": return .classes((0..<input.rowCount).map { Int32($0) })
    case "masked-tokens":
      let batch = try #require(input.tokens)
      return .maskedTokens(
        batch.ids.indices.map { index in
          let (row, position) = index.quotientAndRemainder(dividingBy: batch.length)
          let valid = batch.validLengths?[row] ?? batch.length
          return position % 3 == 1 && position < valid ? batch.ids[index] : -100
        })
    default: return .teacherStates(Teacher(try Models.silent(model)))
    }
  }
}

extension Models {
  /// A model of the same graph whose final norm gives zeros, so that its states are zeros.
  static func silent(_ model: ModelRunner) throws -> ModelRunner {
    let silent = try golden("bert-model")
    guard
      let norm = silent.graph.nodes.compactMap({ node -> Norm? in
        if case .norm(let norm) = node.operation { norm } else { nil }
      }).last
    else { return silent }
    for role in [norm.weight, norm.bias].compactMap(\.self) {
      clear(try silent.parameters.vector(role))
    }
    return silent
  }
}
