// Attention as it is on one text: the weights of some heads, token by token.

internal import HHData
internal import HHFormat

/// The weights of one head over one row, by softmax and by the model.
package struct AttentionSample: Sendable, Equatable {
  /// A key of a query.
  package struct Point: Sendable, Equatable {
    /// The dot product of both.
    package let product: Double
    package let softmax: Double
    package let model: Double
  }

  package let layer: Int
  package let head: Int
  /// The head's figures over all rows.
  package let statistics: HeadStatistics
  /// The first positions of the row, in words.
  package let tokens: [String]
  /// The weights of each of those positions over those that it sees.
  package internal(set) var softmax: [[Double]] = []
  package internal(set) var model: [[Double]] = []
  /// The keys of some of the row's last queries.
  package internal(set) var points: [Point] = []

  /// Positions that are shown.
  private static let positions = 20
  /// Queries whose keys are shown by their dot products.
  private static let queries = 4

  /// A head of a layer that was diagnosed, whose weights are yet to be seen.
  init(_ diagnosis: LayerDiagnosis, head: Int, tokens: [String]) {
    (layer, self.head) = (diagnosis.layer, head)
    statistics = diagnosis.heads[head]
    self.tokens = Array(tokens.prefix(Self.positions))
  }

  /// The heads that tell most: the farthest from softmax, the one in the middle, and the nearest.
  static func choice(_ layers: [LayerDiagnosis]) -> [(diagnosis: LayerDiagnosis, head: Int)] {
    let heads = layers.flatMap { layer in layer.heads.indices.map { (layer, $0) } }
      .sorted { $0.0.heads[$0.1].divergence > $1.0.heads[$1.1].divergence }
    guard heads.count > 3 else { return heads }
    return [heads[0], heads[heads.count / 2], heads[heads.count - 1]]
  }

  /// Takes the weights of the sample's layer over its row.
  mutating func add(_ weights: LayerWeights) {
    func row(_ all: AttentionWeights, _ query: Int) -> [Double] {
      let visible = weights.visible(to: query)
      return all.row(head: head, query: query, visible: visible).map(Double.init)
    }
    for query in 0..<min(tokens.count, weights.length) {
      softmax.append(Array(row(weights.softmax, query).prefix(tokens.count)))
      model.append(Array(row(weights.model, query).prefix(tokens.count)))
    }
    for query in max(0, weights.length - Self.queries)..<weights.length {
      let products = weights.products(head: head, query: query)
      let pairs = zip(row(weights.softmax, query), row(weights.model, query))
      points += zip(products, pairs).map {
        Point(product: $0.0, softmax: $0.1.0, model: $0.1.1)
      }
    }
  }

  /// The positions of a row in words: its tokens where it is text.
  static func words(of input: ModelInput, _ tokenizer: (any Tokenizer)?) -> [String] {
    switch input {
    case .tokens(let batch):
      batch.ids.prefix(positions).map { id in
        let text = tokenizer?.decode([id]) ?? ""
        return text.isEmpty ? "#\(id)" : shown(text)
      }
    case .images: (0..<positions).map { "\($0)" }
    }
  }

  /// A token that can be seen and is not long.
  private static func shown(_ token: String) -> String {
    let text = token.replacing(" ", with: "␣").replacing("\n", with: "⏎").replacing("\t", with: "⇥")
    return inline(text.count > 10 ? text.prefix(9) + "…" : text)
  }
}
