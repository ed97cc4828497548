// The state of a finetuning run as a checkpoint holds it.

internal import HHCompute
internal import HHData
internal import HHFormat

extension FinetuneLoop {
  /// Everything that the following steps depend on: parameters, moments, the values to go back to,
  /// and how far the order of rows and the learning rate have come. All else random is a function
  /// of the seed and the step.
  var state: RunState {
    RunState(
      numbers: [
        "step": .integer(step), "good_step": .integer(goodStep),
        "tokens": .integer(tokens), "rows_drawn": .integer(sampler.position),
        "optimizer_steps": .integer(optimizer.stepCount), "rates": .object(rates.state),
      ], tensors: buffers)
  }

  /// Goes on from a state.
  ///
  /// - Throws: `badData` where the checkpoint is not of these parameters.
  mutating func restore(_ numbers: JSONObject, _ checkpoint: RunCheckpoint) throws(FormatError) {
    for (name, buffer) in buffers { try checkpoint.read(name, into: buffer) }
    step = numbers["step"]?.integer ?? 0
    goodStep = numbers["good_step"]?.integer ?? 0
    tokens = numbers["tokens"]?.integer ?? 0
    earlier = (step, tokens)
    optimizer.stepCount = numbers["optimizer_steps"]?.integer ?? 0
    rates.state = numbers["rates"]?.object ?? [:]
    sampler.seek(to: max(0, numbers["rows_drawn"]?.integer ?? 0))
  }

  private var buffers: [(name: String, values: FloatBuffer)] {
    let names = runner.parameters.all.map(\.name)
    func named(_ kind: String, _ buffers: [FloatBuffer]) -> [(name: String, values: FloatBuffer)] {
      zip(names, buffers).map { ("\(kind)/\($0)", $1) }
    }
    return named("value", runner.parameters.all.map(\.value))
      + named("first_moment", optimizer.firstMoments)
      + named("second_moment", optimizer.secondMoments) + named("good", good.copies)
  }
}
