// What a decoder remembers from call to call: inputs of the past, outputs of the present.

internal import HHModel

extension ONNXModelBuilder {
  /// Whether the model goes on from earlier calls: a decoder that reads a whole text at once, as a
  /// classifier does, has nothing to remember.
  var keepsStates: Bool { batch.past != nil && model.classCount == nil }

  /// A part of a layer's past, which is all zeros before the first call; nil for a model that keeps no
  /// states.
  func state(_ name: String, _ shape: [ONNXExtent], layer: Int) -> ONNXValue? {
    keepsStates
      ? builder.input("past_key_values.\(layer).\(name)", .float, shape) : nil
  }

  /// Gives out a part of a layer's past for the next call.
  func remember(_ value: ONNXValue, _ name: String, _ shape: [ONNXExtent], layer: Int) {
    guard keepsStates else { return }
    builder.output(value, "present.\(layer).\(name)", shape, isState: true)
  }

  /// A part of the past as `state` gives it, or zeros.
  func stateOrZeros(_ name: String, heads: Int, rows: Int, columns: Int, layer: Int) -> ONNXValue {
    let shape: [ONNXExtent] = [.batch, .fixed(heads), .fixed(rows), .fixed(columns)]
    return state(name, shape, layer: layer)
      ?? builder.shared("zeros \(heads) \(rows) \(columns)") {
        builder.filled(
          0,
          shape: builder.concatenate(
            [batch.rowCount, builder.integers([heads, rows, columns])], axis: 0))
      }
  }
}
