// From a model's graph to a graph of ONNX operators.

internal import HHCompute
internal import HHFormat
internal import HHModel

/// Where the sums of causal linear attention are computed.
package enum ONNXLinearAttention: String, Sendable, CaseIterable {
  /// The operator of ONNX, since opset 27.
  case standard = "onnx"
  /// ONNX Runtime's own operator.
  case microsoft = "com.microsoft"
  /// Matrix products, which every runtime has; the work for a piece of text grows with the square of
  /// its length.
  case plain
}

/// Builds the ONNX graph of a model. Hidden states are [batch · length, width] between the blocks,
/// queries, keys and values [batch, heads, length, head size] inside them.
struct ONNXModelBuilder {
  let model: Graph
  let builder: ONNXBuilder
  let linearAttention: ONNXLinearAttention
  let batch: ONNXBatch

  /// A number far below every score, whose exponential is 0.
  static let nothing: Float = -1e30

  /// Builds the whole graph.
  init(_ model: Graph, _ builder: ONNXBuilder, linearAttention: ONNXLinearAttention) {
    self.model = model
    self.builder = builder
    self.linearAttention = linearAttention
    batch = ONNXBatch(of: model, builder)
    var hidden = ONNXValue.absent
    var residual = ONNXValue.absent
    for (index, node) in model.nodes.enumerated() {
      let stem = node.layer.map { "layers.\($0)" }
      switch node.operation {
      case .tokenEmbedding(let embedding):
        builder.scope = "embedding"
        hidden = tokens(embedding)
      case .patchEmbedding(let embedding):
        builder.scope = "embedding"
        hidden = patches(embedding)
      case .saveResidual: residual = hidden
      case .addResidual:
        builder.scope = stem ?? ""
        hidden = builder.add(residual, hidden)
      case .norm(let norm):
        builder.scope = stem.map { "\($0).norm" } ?? "norm"
        hidden = self.norm(norm, hidden)
      case .attention(let attention):
        let layer = node.layer ?? index
        builder.scope = "layers.\(layer).attention"
        hidden = self.attention(attention, hidden, layer: layer)
      case .mlp(let mlp):
        builder.scope = stem.map { "\($0).mlp" } ?? "mlp"
        hidden = feedForward(mlp, hidden)
      case .head: continue
      }
    }
    builder.scope = "head"
    heads(hidden)
  }

  /// y = x Wᵀ + b over the rows of x.
  func linear(_ linear: Linear, _ x: ONNXValue) -> ONNXValue {
    let bias = linear.bias.map { [builder.weight($0)] } ?? []
    let shape =
      linear.isInputMajor ? [linear.inputs, linear.outputs] : [linear.outputs, linear.inputs]
    return builder.nodes(
      "Gemm", [x, builder.weight(linear.weight, shape: shape)] + bias, outputs: 1,
      attributes: linear.isInputMajor ? [] : [("transB", .integer(1))])[0]
  }

  /// Layer norm, or root-mean-square norm in the operators that every runtime has.
  func norm(_ norm: Norm, _ x: ONNXValue) -> ONNXValue {
    let weight = builder.weight(norm.weight)
    if let bias = norm.bias {
      return builder.node(
        "LayerNormalization", x, weight, builder.weight(bias),
        attributes: [("axis", .integer(-1)), ("epsilon", .float(norm.epsilon))])
    }
    let square = builder.node("Pow", x, builder.float(2))
    let mean = builder.node(
      "ReduceMean", square, builder.integers([-1]), attributes: [("keepdims", .integer(1))])
    let root = builder.node("Sqrt", builder.add(mean, builder.float(norm.epsilon)))
    return builder.multiply(builder.divide(x, root), weight)
  }
}
