// A finetuned model on its way into an artifact.

internal import HHCompute
internal import HHFormat

/// Which tensors of a checkpoint finetuning changed, and their values.
struct FinetunedModel {
  let summary: FinetuneSummary
  private let model: ModelRunner
  private let values: [String: FloatBuffer]
  /// The adapters that were trained, in the order of the model; none where weights were.
  let adapters: [LowRankAdapter]

  /// Takes the values over; adapters become part of the weights that they change.
  init(_ model: ModelRunner, _ result: FinetuneResult) throws(FormatError) {
    summary = FinetuneSummary(result)
    self.model = model
    let parameters = result.parameters
    adapters = model.graph.linears.compactMap { parameters.adapters[$0.weight] }
    try parameters.mergeAdapters(into: model)
    var values = Dictionary(
      parameters.all.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    for role in parameters.adapters.keys {
      guard let name = model.parameters.tensorName(role) else { continue }
      values[name] = try model.parameters.vector(role)
    }
    self.values = values
  }

  /// A tensor with its new values, in the element type that the checkpoint has it in, so that the
  /// model stays of the type that its configuration names; nil where it did not change.
  func tensor(_ entry: NameMap.Entry, file: String) -> ArtifactTensor? {
    guard let name = model.parameters.tensorName(entry.role), let buffer = values[name] else {
      return nil
    }
    let tensor = entry.tensor
    let dtype = tensor.dtype.isComputable ? tensor.dtype : .f32
    let width = dtype == .f32 ? 4 : 2
    return ArtifactTensor(
      name: tensor.name, dtype: dtype, shape: tensor.shape, origin: .changed,
      byteCount: width * buffer.count
    ) { (range, body) throws(FormatError) in
      let first = range.lowerBound / width
      let elements = buffer.span(first..<(range.upperBound + width - 1) / width)
      let wanted = range.lowerBound - first * width..<range.upperBound - first * width
      if dtype == .f32 {
        // Safe: floats have no padding.
        return try body(unsafe elements.bytes.extracting(wanted))
      }
      let bytes = dtype.store(elements) ?? []
      // Safe: bytes have no padding.
      let stored = unsafe bytes.span.bytes
      if let index = dtype.firstNonFinite(in: stored) {
        throw FormatError(
          .unsupported, file: file, place: "tensor \(quoted(tensor.name))",
          problem: "expected finetuned values that \(dtype.rawValue) can hold,"
            + " found one that it cannot at index \(first + index)",
          hint: "convert the model to float32 first, or use a lower --finetune-lr")
      }
      try body(stored.extracting(wanted))
    }
  }
}
