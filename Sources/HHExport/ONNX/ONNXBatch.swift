// The inputs of an ONNX model, and what all layers ask of them.

internal import HHFormat
internal import HHModel

/// Sizes, mask and positions of the batch that a model is given.
///
/// A decoder's mask covers all tokens so far, those of earlier calls too, as transformers has it: how
/// many there were of each row tells the positions of the new ones. Padding takes no position.
struct ONNXBatch {
  /// Token ids [batch, length], or pixels [batch, channels, height, width].
  let input: ONNXValue
  /// Number of rows, as a value with one element.
  let rowCount: ONNXValue
  /// New positions of a row, as a value with one element.
  let length: ONNXValue
  /// Which new positions are tokens, [batch, length] truth values; nil for images, which have no
  /// padding.
  let mask: ONNXValue?
  /// What only decoders have.
  let past: Past?

  /// The earlier tokens of a decoder's rows.
  struct Past {
    /// Which of all positions so far are tokens, [batch, past + length] truth values.
    let mask: ONNXValue
    /// Number of earlier positions, padding included, as a value with one element.
    let length: ONNXValue
    /// Number of earlier and new positions, as a value with one element.
    let total: ONNXValue
    /// Tokens of each row before the new ones, [batch, 1].
    let tokenCount: ONNXValue
    /// Positions of the new tokens, [batch, length]; padding has that of the token before it, or -1.
    let positions: ONNXValue
  }

  /// Declares the inputs of a model.
  init(of model: Graph, _ builder: ONNXBuilder) {
    builder.scope = "batch"
    if model.kind == .image, case .patchEmbedding(let patches)? = model.nodes.first?.operation {
      let side = ONNXExtent.fixed(patches.imageSize)
      input = builder.input(
        "pixel_values", .float, [.batch, .fixed(patches.channelCount), side, side])
      rowCount = builder.extent(input, axis: 0)
      length = builder.integers([model.maximumLength])
      (mask, past) = (nil, nil)
      return
    }
    input = builder.input("input_ids", .int64, [.batch, .sequence])
    rowCount = builder.extent(input, axis: 0)
    length = builder.extent(input, axis: 1)
    guard model.kind == .decoder else {
      let given = builder.input("attention_mask", .int64, [.batch, .sequence])
      mask = builder.cast(given, to: .bool)
      past = nil
      return
    }
    let given = builder.input(
      "attention_mask", .int64, [.batch, .named("total_sequence_length")])
    let total = builder.extent(given, axis: 1)
    let before = builder.subtract(total, length)
    let all = builder.cast(given, to: .bool)
    mask = builder.slice(all, from: before, axis: 1)
    let counts = builder.node("CumSum", given, builder.integer(1))
    let ends = builder.subtract(counts, builder.integer(1))
    past = Past(
      mask: all, length: before, total: total,
      tokenCount: builder.sum(
        builder.slice(given, from: builder.integers([0]), to: before, axis: 1), axis: 1),
      positions: builder.slice(ends, from: before, axis: 1))
  }
}
