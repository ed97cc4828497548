// From token ids or pixels to hidden states.

internal import HHModel

extension ONNXModelBuilder {
  /// The embeddings of tokens, their positions and their types.
  func tokens(_ embedding: TokenEmbedding) -> ONNXValue {
    var x = builder.gather(builder.weight(embedding.token), batch.input)
    if let role = embedding.position {
      let table = builder.weight(role)
      if let past = batch.past {
        let positions = builder.node("Max", past.positions, builder.integer(0))
        x = builder.add(x, builder.gather(table, positions))
      } else {
        x = builder.add(
          x, builder.slice(table, from: builder.integers([0]), to: batch.length, axis: 0))
      }
    }
    if let role = embedding.tokenType {
      let types = builder.input("token_type_ids", .int64, [.batch, .sequence])
      x = builder.add(x, builder.gather(builder.weight(role), types))
    }
    return builder.reshape(x, [-1, model.hiddenSize])
  }

  /// The embeddings of patches behind a class token, and their positions.
  func patches(_ embedding: PatchEmbedding) -> ONNXValue {
    let (width, patch) = (model.hiddenSize, embedding.patchSize)
    let linear = embedding.projection
    let bias = linear.bias.map { [builder.weight($0)] } ?? []
    let kernel = builder.weight(
      linear.weight, shape: [width, embedding.channelCount, patch, patch])
    let map = builder.nodes(
      "Conv", [batch.input, kernel] + bias, outputs: 1,
      attributes: [("strides", .integers([patch, patch]))])[0]
    let patches = builder.transpose(builder.reshape(map, [0, width, -1]), [0, 2, 1])
    let token = builder.node(
      "Expand", builder.weight(embedding.classToken, shape: [1, 1, width]),
      builder.concatenate([batch.rowCount, builder.integers([1, width])], axis: 0))
    let positions = builder.weight(
      embedding.position, shape: [1, model.maximumLength, width])
    return builder.reshape(
      builder.add(builder.concatenate([token, patches], axis: 1), positions), [-1, width])
  }
}
