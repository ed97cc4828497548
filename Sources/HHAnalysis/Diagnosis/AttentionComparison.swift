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
      let hidden = Matrix(
        rows: teacher.length(of: input), columns: teacher.graph.hiddenSize)
      var state = try teacher.embed(input, into: hidden)
      for layer in 0..<teacher.graph.layerCount {
        try look(at: layer, &state, &layers)
        let share = Double(layer + 1) / Double(teacher.graph.layerCount)
        try progress((Double(index) + share) / Double(inputs.count))
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
