// The attention weights of two models that have all but the mechanism in common.

internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel

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
struct AttentionComparison {
  /// The softmax model.
  let teacher: ModelRunner
  /// A model with the same weights; the softmax model itself for how that is.
  let student: ModelRunner

  /// Bytes of the weights of a layer, both models', over a row of `length` positions.
  static func memory(headCount: Int, length: Int) -> Double {
    2 * 4 * Double(headCount) * Double(length) * Double(length)
  }

  /// Looks at every layer with attention, over some inputs of one row each.
  ///
  /// - Throws: What `progress` throws, which is called with the share that is done, and
  ///   `FormatError` for weights that cannot be read.
  func layers(
    of inputs: [ModelInput], progress: (Double) throws -> Void
  ) throws -> [LayerDiagnosis] {
    var layers: [Int: LayerDiagnosis] = [:]
    for (index, input) in inputs.enumerated() {
      try visit(input, progress: { try progress((Double(index) + $0) / Double(inputs.count)) }) {
        layers[$0.layer, default: $0.emptyDiagnosis].add($0)
      }
    }
    return layers.values.sorted { $0.layer < $1.layer }
  }

  /// Shows the weights of every layer with attention over an input of one row.
  ///
  /// - Throws: As `layers`, with what `look` throws.
  func visit(
    _ input: ModelInput, progress: (Double) throws -> Void, look: (LayerWeights) throws -> Void
  ) throws {
    let hidden = Matrix(rows: teacher.length(of: input), columns: teacher.graph.hiddenSize)
    var state = try teacher.embed(input, into: hidden)
    for layer in 0..<teacher.graph.layerCount {
      try visit(layer, &state, look)
      try progress(Double(layer + 1) / Double(teacher.graph.layerCount))
    }
  }

  /// Shows one layer, and replaces the hidden states by the layer's output.
  private func visit(
    _ layer: Int, _ state: inout Activations, _ look: (LayerWeights) throws -> Void
  ) throws {
    let nodes = teacher.graph.nodes(ofLayer: layer)
    guard let index = nodes.firstIndex(where: { $0.attention != nil }),
      let attention = nodes[index].attention,
      let own = student.graph.attention(ofLayer: layer)
    else { return try teacher.run(nodes, &state) }
    try teacher.run(nodes[..<index], &state)
    let projected = try teacher.project(attention, state)
    let (length, validLength) = (state.length, state.validLengths?.first ?? state.length)
    func softmax(_ x: QueryKeyValue) -> Matrix { teacher.attend(attention, x, state, layer: layer) }
    func model(_ x: QueryKeyValue) -> Matrix { student.attend(own, x, state, layer: layer) }
    try look(
      LayerWeights(
        layer: layer, attention: attention, projected: projected, length: validLength,
        softmax: AttentionWeights(attention, projected, length: length, mix: softmax),
        model: AttentionWeights(attention, projected, length: length, mix: model),
        outputs: (softmax(projected), model(projected))))
    state.hidden = try teacher.mix(attention, projected, state, layer: layer)
    try teacher.run(nodes[(index + 1)...], &state)
  }
}

/// The weights of one layer over one row, by softmax and by the model.
struct LayerWeights {
  let layer: Int
  let attention: Attention
  let projected: QueryKeyValue
  /// Positions that are no padding.
  let length: Int
  let softmax: AttentionWeights
  let model: AttentionWeights
  /// What the heads give, by softmax and by the model.
  let outputs: (softmax: Matrix, model: Matrix)

  /// Keys that a query sees.
  func visible(to query: Int) -> Int { attention.isCausal ? query + 1 : length }

  /// The dot products of a query with the keys that it sees.
  func products(head: Int, query: Int) -> [Double] {
    attention.products(projected, head: head, query: query, keys: visible(to: query))
  }

  fileprivate var emptyDiagnosis: LayerDiagnosis {
    LayerDiagnosis(
      layer: layer, heads: Array(repeating: HeadStatistics(), count: attention.headCount))
  }
}

extension LayerDiagnosis {
  /// Takes the weights of one row in.
  fileprivate mutating func add(_ weights: LayerWeights) {
    for head in heads.indices {
      for query in 0..<weights.length {
        let visible = weights.visible(to: query)
        heads[head].add(
          teacher: weights.softmax.row(head: head, query: query, visible: visible),
          model: weights.model.row(head: head, query: query, visible: visible),
          products: weights.products(head: head, query: query))
      }
    }
    let expected = weights.outputs.softmax.values
    for (x, y) in zip(expected, weights.outputs.model.values) {
      squaredError += Double(x - y) * Double(x - y)
      squaredOutput += Double(x) * Double(x)
    }
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
