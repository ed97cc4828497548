// The version of ONNX's operators that a model is written in.

internal import HHModel

/// An operator set that has all that a model needs.
struct ONNXOpset {
  /// The number of the operator set.
  let version: Int

  /// The first with every operator of a softmax model, of which GELU is the latest.
  private static let first = 20
  /// The first with linear attention.
  private static let withLinearAttention = 27
  /// The last that is known here.
  private static let last = 28

  /// Takes the operator set that is asked for, or the first that the model can be written in.
  ///
  /// - Throws: `invalidSetting` for one that is not known or lacks an operator.
  init(of model: Graph, _ options: ExportOptions) throws(PipelineError) {
    let isLinear = model.attentions.contains { $0.isCausal && $0.mechanism != .softmax }
    let needed =
      isLinear && options.linearAttention == .standard ? Self.withLinearAttention : Self.first
    version = options.opset ?? needed
    guard (Self.first...Self.last).contains(version) else {
      throw .invalidSetting(
        .opset, problem: "expected \(Self.first) to \(Self.last), found \(version)")
    }
    guard version >= needed else {
      throw .invalidSetting(
        .opset,
        problem: "expected \(needed) or later, which has LinearAttention, found \(version)")
    }
  }

  /// The first version of protobuf's fields that goes with an operator set: a runtime that has the
  /// operators reads it.
  var format: Int { version < Self.withLinearAttention ? 10 : 13 }
}
