// The heads of a graph by what they give.

internal import HHFormat

extension Graph {
  /// The kind of model and its heads in a few words.
  package var summary: String {
    let model =
      switch kind {
      case .decoder: "a decoder"
      case .encoder: "an encoder"
      case .image: "a vision model"
      }
    if classCount != nil { return "\(model) with a classifier" }
    if hasLanguageModelHead { return "\(model) with a language-model head" }
    return tokenHead == nil ? "\(model) without a head" : "\(model) with a masked-token head"
  }

  /// The head that gives logits of tokens.
  package var tokenHead: Head? {
    for node in outputNodes {
      if case .head(let head) = node.operation, head.decoder != nil { return head }
    }
    return nil
  }

  /// The head that gives a row of logits per sequence, and the pooler before it; nil for a decoder's,
  /// which is not trained here.
  package var classifier: (classifier: Linear, pooler: Linear?)? {
    var pooler: Linear?
    for node in outputNodes {
      guard case .head(let head) = node.operation else { continue }
      if case .pooler(let linear) = head { pooler = linear }
      if case .classifier(let linear, let usesPooled) = head {
        return (linear, usesPooled ? pooler : nil)
      }
    }
    return nil
  }
}

extension Head {
  /// The product that gives logits of tokens.
  package var decoder: Linear? {
    switch self {
    case .languageModel(let linear): linear
    case .maskedLanguageModel(_, _, _, let decoder): decoder
    case .pooler, .classifier, .lastTokenClassifier: nil
    }
  }
}
