// What a model is, in the few figures that people ask for first.

internal import HHData
internal import HHFormat
internal import HHModel

/// The extents of a model, and the family of its chat template.
package struct ModelFacts: Sendable, Equatable {
  /// A name and a value in words, in the order in which they are shown.
  package let lines: [(name: String, value: String)]

  package static func == (left: Self, right: Self) -> Bool {
    left.lines.elementsEqual(right.lines, by: ==)
  }

  /// The facts of a graph; `template` is the name of the model's chat template.
  init(_ graph: Graph, template: String?) {
    var lines: [(name: String, value: String)] = []
    let heads = graph.attentions.map { Heads($0) }
    let shapes = heads.reduce(into: [Heads]()) { if !$0.contains($1) { $0.append($1) } }
    lines.append(
      (
        "layers",
        "\(graph.layerCount), \(Format.count(graph.hiddenSize)) wide, "
          + shapes.map(\.words).joined(separator: "; ")
      ))
    lines.append(("context", "\(Format.count(graph.maximumLength)) positions"))
    if graph.vocabularySize > 0 {
      lines.append(("vocabulary", "\(Format.count(graph.vocabularySize)) tokens"))
    }
    if let count = graph.classCount { lines.append(("classes", Format.count(count))) }
    if let template { lines.append(("chat", "template of the family \(template)")) }
    self.lines = lines
  }

  /// The facts of a checkpoint whose tensors have roles.
  ///
  /// - Throws: `FormatError` for a model that cannot be run.
  init(_ checkpoint: Checkpoint, _ names: NameMap) throws(FormatError) {
    self.init(
      try Graph(names), template: try ChatTemplate.familyName(of: ModelFiles(of: checkpoint)))
  }
}

/// The heads of one layer's attention.
private struct Heads: Equatable {
  let count: Int
  let keyValueCount: Int
  let size: Int

  init(_ attention: Attention) {
    (count, keyValueCount) = (attention.headCount, attention.keyValueHeadCount)
    size = attention.headSize
  }

  var words: String {
    "\(count) heads of \(size)"
      + (keyValueCount == count ? "" : " on \(keyValueCount) key/value heads")
  }
}
