// A finetuned model on its way into an artifact.

internal import HHCompute
package import HHFormat
package import HHModel

/// Which tensors of a checkpoint finetuning changed, and their values.
package struct FinetunedModel {
  package let summary: FinetuneSummary
  private let model: ModelRunner
  private let values: [String: FloatBuffer]
  private let changes: [String: LowRankChange]
  /// The adapters that were trained, in the order of the model; none where weights were.
  package let adapters: [LowRankAdapter]
  /// The setting of the learning rate.
  private let rate: SettingKey

  /// Takes the values over; adapters become part of the weights that they change, from `model`'s next
  /// batch on. `rate` is the setting of the learning rate that they were trained with.
  package init(_ model: ModelRunner, _ result: FinetuneResult, rate: SettingKey) {
    self.rate = rate
    summary = FinetuneSummary(result)
    self.model = model
    let parameters = result.parameters
    parameters.mergeAdapters(into: model)
    values = Dictionary(
      parameters.all.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    var (adapters, changes): ([LowRankAdapter], [String: LowRankChange]) = ([], [:])
    for linear in model.graph.linears {
      guard let adapter = parameters.adapters[linear.weight] else { continue }
      adapters.append(adapter)
      guard let name = model.parameters.tensorName(linear.weight) else { continue }
      changes[name] = adapter.change(isInputMajor: linear.isInputMajor)
    }
    self.adapters = adapters
    self.changes = changes
  }

  /// A tensor with its new values, in the element type that the checkpoint has it in, so that the
  /// model stays of the type that its configuration names; nil where it did not change.
  package func tensor(_ entry: NameMap.Entry, of checkpoint: Checkpoint, file: String)
    -> ArtifactTensor?
  {
    // Where a role is stored twice, both get what the one that counts has.
    guard let name = model.parameters.tensorName(entry.role) else { return nil }
    let lend: ArtifactTensor.FloatLender
    if let change = changes[name] {
      lend = { (range, body) throws(FormatError) in
        let values = FloatBuffer(count: range.count)
        var span = values.mutableSpan
        try checkpoint.readFloats(of: name, from: range.lowerBound, into: &span)
        change.add(to: &span, from: range.lowerBound)
        try body(values.span)
      }
    } else if let buffer = values[name] {
      lend = { (range, body) throws(FormatError) in try body(buffer.span(range)) }
    } else {
      return nil
    }
    let rate = rate
    return ArtifactTensor(
      entry.tensor,
      tooLarge: { dtype, index in
        FormatError(
          .unsupported, file: file, place: "tensor \(quoted(entry.tensor.name))",
          problem: "expected finetuned values that \(dtype.rawValue) can hold,"
            + " found one that it cannot at index \(index)",
          remedy: "convert the model to float32 first, or use a lower \(rate)")
      }, lending: lend)
  }
}
