// Feed-forward sublayers and the activations in them.

internal import HHCompute
internal import HHModel

extension ONNXModelBuilder {
  /// down(activation(up x)), or down(activation(gate x) × up x).
  func feedForward(_ mlp: MLP, _ x: ONNXValue) -> ONNXValue {
    var inner = linear(mlp.up, x)
    if let gate = mlp.gate {
      inner = builder.multiply(activation(mlp.activation, linear(gate, x)), inner)
    } else {
      inner = activation(mlp.activation, inner)
    }
    return linear(mlp.down, inner)
  }

  /// An activation, element by element.
  func activation(_ activation: Activation, _ x: ONNXValue) -> ONNXValue {
    switch activation {
    case .gelu: builder.node("Gelu", x, attributes: [("approximate", .text("none"))])
    case .geluTanh: builder.node("Gelu", x, attributes: [("approximate", .text("tanh"))])
    case .relu: builder.relu(x)
    case .silu: builder.multiply(x, builder.node("Sigmoid", x))
    case .tanh: builder.node("Tanh", x)
    }
  }
}
