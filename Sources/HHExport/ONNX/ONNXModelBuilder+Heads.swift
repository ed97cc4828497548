// The outputs of a model: logits, or hidden states where it has no head.

internal import HHFormat
internal import HHModel

extension ONNXModelBuilder {
  /// Adds the outputs that a model's heads give for its final hidden states.
  func heads(_ hidden: ONNXValue) {
    var pooled: ONNXValue?
    for node in model.outputNodes {
      guard case .head(let head) = node.operation else { continue }
      switch head {
      case .pooler(let linear):
        pooled = builder.node("Tanh", self.linear(linear, rows(hidden, at: builder.integers([0]))))
      case .classifier(let linear, let usesPooled):
        let input = usesPooled ? pooled : nil
        return rowLogits(
          linear, input ?? rows(hidden, at: builder.integers([0])))
      case .lastTokenClassifier(let linear, let padding):
        return rowLogits(linear, lastRows(hidden, padding: padding))
      case .languageModel(let linear): return tokenLogits(linear, hidden)
      case .maskedLanguageModel(let transform, let activation, let norm, let decoder):
        let inner = self.activation(activation, linear(transform, hidden))
        return tokenLogits(decoder, self.norm(norm, inner))
      }
    }
    let length: ONNXExtent =
      model.kind == .image ? .fixed(model.maximumLength) : .sequence
    builder.output(
      inRows(hidden, model.hiddenSize), "last_hidden_state",
      [.batch, length, .fixed(model.hiddenSize)])
    if let pooled {
      builder.output(pooled, "pooler_output", [.batch, .fixed(model.hiddenSize)])
    }
  }

  private func tokenLogits(_ linear: Linear, _ x: ONNXValue) {
    builder.output(
      inRows(self.linear(linear, x), linear.outputs), "logits",
      [.batch, .sequence, .fixed(linear.outputs)])
  }

  private func rowLogits(_ linear: Linear, _ x: ONNXValue) {
    builder.output(self.linear(linear, x), "logits", [.batch, .fixed(linear.outputs)])
  }

  /// [batch · length, width] as [batch, length, width].
  private func inRows(_ x: ONNXValue, _ width: Int) -> ONNXValue {
    let shape = builder.concatenate(
      [batch.rowCount, batch.length, builder.integers([width])], axis: 0)
    return builder.node("Reshape", x, shape)
  }

  /// The hidden states at one position, the same in every row, [batch, width].
  private func rows(_ hidden: ONNXValue, at position: ONNXValue) -> ONNXValue {
    let row = builder.gather(inRows(hidden, model.hiddenSize), position, axis: 1)
    return builder.reshape(row, [-1, model.hiddenSize])
  }

  /// The hidden states of each row's last token that is not the padding token, or of its first
  /// position where there is none.
  private func lastRows(_ hidden: ONNXValue, padding: Int32?) -> ONNXValue {
    guard let padding, let mask = batch.mask else {
      return rows(hidden, at: builder.subtract(batch.length, builder.integers([1])))
    }
    let isText = builder.node(
      "Not", builder.node("Equal", batch.input, builder.integer(Int(padding))))
    let positions = builder.range(builder.integers([0]), batch.length)
    let last = builder.maximum(
      builder.choose(builder.and(isText, mask), positions, builder.integer(0)), axis: 1)
    let places = builder.concatenate(
      [builder.unsqueeze(builder.range(builder.integers([0]), batch.rowCount), [1]), last], axis: 1)
    return builder.node("GatherND", inRows(hidden, model.hiddenSize), places)
  }
}
