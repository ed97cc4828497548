// Which layers of a converted model are far from the softmax that they stand for, and why.

internal import HHCompute
internal import HHFormat

/// What to look at, and on what.
package struct DiagnosisOptions: Sendable {
  /// An artifact, or a checkpoint, which is shown as a rewrite alone would leave it.
  package var model: String
  /// A configuration in place of the model's own.
  package var configuration: String?
  /// The model that a delta was made from.
  package var base: String?
  /// Rows to look at; nil means the model's own samples, random tokens or synthetic images.
  package var data: String?
  /// Positions per row; nil means 256, or as many as the model has.
  package var length: Int?
  /// Most rows.
  package var rowLimit = 8
  /// Seed of rows that are made up.
  package var seed: UInt64 = 0
  /// Threads to use.
  package var threads: Int

  /// Creates options.
  package init(model: String, threads: Int) {
    (self.model, self.threads) = (model, threads)
  }
}

/// One layer of a diagnosis.
package struct LayerDiagnosis: Sendable, Equatable {
  package let layer: Int
  /// By query head.
  package internal(set) var heads: [HeadStatistics]
  /// Squared error of the heads' outputs over the squared outputs of softmax.
  package var outputError: Double { squaredOutput > 0 ? squaredError / squaredOutput : 0 }
  var squaredError = 0.0
  var squaredOutput = 0.0

  /// The means over heads.
  package var mean: HeadStatistics { .mean(heads) }
}

/// Attention weights of a model beside those of softmax on the same queries and keys.
///
/// Every layer is given what the softmax model computes before it, as in distillation, so that the
/// layers' figures do not depend on each other.
package struct Diagnosis {
  private let options: DiagnosisOptions
  private let student: ModelRunner
  private let teacher: ModelRunner
  private let rows: TrainingRows

  /// Opens the model and finds the rows.
  ///
  /// - Throws: `FormatError` and `PipelineError` for what cannot be opened or looked at.
  package init(_ options: DiagnosisOptions) throws {
    ThreadPolicy.use(threads: options.threads)
    self.options = options
    let model = try OpenedModel(
      opening: options.model, configuration: options.configuration, base: options.base)
    if let teacher = model.teacher {
      (student, self.teacher) = (model.runner, teacher)
    } else {
      teacher = model.runner
      let (graph, plan) = teacher.graph.rewritten()
      student = ModelRunner(graph: graph, parameters: teacher.parameters)
      for block in plan.blocks { student.maps[block.layer] = block.maps() }
    }
    var sources = ConversionOptions(model: options.model, threads: options.threads)
    (sources.data, sources.heldOut) = (options.data, options.data)
    sources.length = options.length
    (sources.distillation.steps, sources.distillation.batchSize) = (1, 1)
    sources.distillation.seed = options.seed
    rows = try TrainingRows(
      options: sources, graph: teacher.graph, checkpoint: model.checkpoint, names: model.names)
  }

  /// What is looked at, in words.
  package var data: String {
    "\(min(options.rowLimit, rows.heldOutCount)) rows of \(rows.length) positions, \(rows.kind)"
  }

  /// Looks at every layer with attention.
  ///
  /// - Throws: What `progress` throws, which is called with the share that is done, and
  ///   `FormatError` for weights that cannot be read.
  package func run(progress: (Double) throws -> Void) throws -> [LayerDiagnosis] {
    let all = try rows.load(runner: teacher) { _ in try progress(0) }.heldOut
    let count = min(options.rowLimit, all.count)
    var layers: [Int: LayerDiagnosis] = [:]
    for row in 0..<count {
      let input = all.rows([row]).input
      let hidden = Matrix(
        rows: teacher.length(of: input), columns: teacher.graph.hiddenSize)
      var state = try teacher.embed(input, into: hidden)
      for layer in 0..<teacher.graph.layerCount {
        try look(at: layer, &state, &layers)
        try progress(
          (Double(row) + Double(layer + 1) / Double(teacher.graph.layerCount)) / Double(count))
      }
    }
    return layers.values.sorted { $0.layer < $1.layer }
  }

  /// Takes one layer of one row in, and replaces the hidden states by the layer's output.
  private func look(
    at layer: Int, _ state: inout Activations, _ layers: inout [Int: LayerDiagnosis]
  ) throws {
    let nodes = teacher.graph.nodes(ofLayer: layer)
    guard let index = nodes.firstIndex(where: { $0.attention != nil }),
      let attention = nodes[index].attention,
      let own = student.graph.attention(ofLayer: layer)
    else { return try teacher.run(nodes, &state) }
    try teacher.run(nodes[..<index], &state)
    let projected = try teacher.project(attention, state)
    let length = state.validLengths?.first ?? state.length
    func softmax(_ x: QueryKeyValue) -> Matrix { teacher.attend(attention, x, state, layer: layer) }
    func model(_ x: QueryKeyValue) -> Matrix { student.attend(own, x, state, layer: layer) }
    let weights = AttentionWeights(attention, projected, length: state.length, mix: softmax)
    let others = AttentionWeights(attention, projected, length: state.length, mix: model)
    var found =
      layers[layer]
      ?? LayerDiagnosis(
        layer: layer, heads: Array(repeating: HeadStatistics(), count: attention.headCount))
    for head in 0..<attention.headCount {
      for query in 0..<length {
        let visible = attention.isCausal ? query + 1 : length
        found.heads[head].add(
          teacher: weights.row(head: head, query: query, visible: visible),
          model: others.row(head: head, query: query, visible: visible),
          products: attention.products(projected, head: head, query: query, keys: visible))
      }
    }
    let expected = softmax(projected).values
    for (x, y) in zip(expected, model(projected).values) {
      found.squaredError += Double(x - y) * Double(x - y)
      found.squaredOutput += Double(x) * Double(x)
    }
    layers[layer] = found
    state.hidden = try teacher.mix(attention, projected, state, layer: layer)
    try teacher.run(nodes[(index + 1)...], &state)
  }
}

extension Node {
  fileprivate var attention: Attention? {
    if case .attention(let attention) = operation { attention } else { nil }
  }
}

extension Attention {
  /// The dot products of a query with its first keys.
  fileprivate func products(
    _ projected: QueryKeyValue, head: Int, query: Int, keys: Int
  ) -> [Double] {
    let keyHead = head * keyValueHeadCount / headCount
    let columns = head * headSize..<(head + 1) * headSize
    let keyColumns = keyHead * headSize..<(keyHead + 1) * headSize
    let q = projected.query.rows(query..<query + 1).columns(columns).values
    return (0..<keys).map { key in
      let k = projected.key.rows(key..<key + 1).columns(keyColumns).values
      return zip(q, k).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
  }
}
