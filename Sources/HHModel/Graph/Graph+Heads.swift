// The heads of a graph by what they give.

extension Graph {
  /// The head that gives logits of tokens.
  package var tokenHead: Head? {
    for node in outputNodes {
      if case .head(let head) = node.operation, head.decoder != nil { return head }
    }
    return nil
  }

  /// The head that gives a row of logits per sequence, and the pooler before it.
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
    case .pooler, .classifier: nil
    }
  }
}
