// Which tensor of the checkpoint stands behind a parameter of an ONNX graph.

internal import HHCompute
internal import HHFormat
internal import HHModel

/// Finds tensors by the roles of a model's parameters and the names of its feature maps.
struct ONNXWeights {
  private let source: ExportSource
  private let parameters: ParameterStore
  private let maps: Set<ByteKey>
  private let type: DType?

  /// Looks in an export's source; floats become `type`, those of feature maps float32. Nil keeps
  /// 16-bit floats as they are.
  init(_ source: ExportSource, type: DType?) {
    self.source = source
    parameters = ParameterStore(checkpoint: source.checkpoint, names: source.names)
    maps = source.mapNames
    self.type = type
  }

  /// Refuses what no graph computes with.
  ///
  /// - Throws: `unsupported` for a weight of another type than floats, and for a feature map without
  ///   operators.
  func check() throws(FormatError) {
    for entry in source.names.entries where !entry.tensor.dtype.isComputable {
      throw FormatError(
        .unsupported, file: source.checkpoint.path,
        place: "tensor \(quoted(entry.tensor.name))",
        problem: "expected F32, F16, BF16 or F64 for ONNX, found \(entry.tensor.dtype.rawValue)")
    }
    let kinds = (source.plan?.blocks ?? []).map(\.map.kind)
    if let kind = kinds.first(where: { ONNXFeatureMap.function(of: $0) == nil }) {
      throw FormatError(
        .unsupported, file: source.checkpoint.path,
        problem: "expected a feature map that ONNX operators are known for, found '\(kind)'",
        remedy: "export with \(.target, "hf"), which has every map")
    }
  }

  /// The weight of a role or of a feature map's name; nil for an unknown one.
  func weight(_ role: String) -> ONNXWeight? {
    guard let name = maps.contains(ByteKey(role)) ? role : parameters.tensorName(role),
      let tensor = tensor(name), let element = ONNXElement(tensor.dtype)
    else { return nil }
    return ONNXWeight(name: name, element: element, shape: tensor.source.shape)
  }

  /// The tensor of a weight's name.
  func tensor(_ name: String) -> ExportTensor? {
    guard let tensor = source.checkpoint[name] else { return nil }
    let stored = tensor.dtype.isStorable ? tensor.dtype : .f32
    return ExportTensor(
      name: tensor.name, source: tensor,
      dtype: maps.contains(ByteKey(name)) ? .f32 : type ?? stored)
  }
}
