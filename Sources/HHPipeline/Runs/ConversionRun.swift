// A conversion that keeps a run folder: what it logs, what it saves, and where it goes on.

internal import HHAnalysis
internal import HHCompute
internal import HHFormat
internal import HHModel
internal import HHTraining

/// The run folder of one conversion, between the stages and the files.
///
/// A checkpoint holds the layers that are distilled, the evaluations that are made, and the state of
/// a layer or of finetuning that was begun.
final class ConversionRun {
  private let folder: RunFolder
  private let plan: RewritePlan
  private let opened: SourceFiles
  private let options: ConversionOptions
  /// Steps that finetuning is to take.
  private let finetuningSteps: Int
  private let description: ArtifactDescription
  /// The digest of everything that the run must find again when it goes on.
  private let key: String
  /// The rates that some of the work was done at, where they are not the present ones.
  private(set) var earlier = EarlierRates()
  /// The rates of the checkpoint, the last of each list being its own.
  private var rates: JSONValue?
  /// What the run has reached so far.
  private(set) var layers: [Int: FinishedLayer] = [:]
  /// Steps per layer that a budget allowed; nil before the first layer is done.
  private(set) var distillationSteps: Int?
  /// The state of the layer of distillation that the run goes on from.
  private(set) var distillation: (checkpoint: RunCheckpoint, numbers: JSONObject)?
  /// Results of evaluations so far.
  var evaluations: [EvaluationResult] = []
  /// The state of finetuning that the run goes on from.
  private(set) var finetuning: (checkpoint: RunCheckpoint, numbers: JSONObject)?
  /// Whether some of the work was done by an earlier process.
  private(set) var isResumed = false

  /// Opens the folder's last checkpoint, where there is one; `opened` are the files of the model, and
  /// `key` is that of `ConversionKey.ofRun`.
  ///
  /// - Throws: `badData` for a checkpoint that was made from another model or other data or with
  ///   other settings, and `FormatError` for a damaged one.
  init(
    _ folder: RunFolder, plan: RewritePlan, description: ArtifactDescription,
    opened: SourceFiles, options: ConversionOptions, finetuningSteps: Int, key: String
  ) throws(FormatError) {
    (self.folder, self.plan, self.opened) = (folder, plan, opened)
    (self.description, self.options, self.key) = (description, options, key)
    self.finetuningSteps = finetuningSteps
    guard let checkpoint = try folder.openLastCheckpoint() else { return }
    guard checkpoint.inputs == description.inputs else {
      throw FormatError(
        .badData, file: checkpoint.path,
        problem: "expected the model and the data that the run began with, found others",
        hint: "put the old files back, or begin another run")
    }
    let numbers = checkpoint.numbers
    // Earlier versions wrote none.
    if let begun = numbers[ConversionKey.member]?.string, begun != key {
      throw FormatError(
        .badData, file: checkpoint.path,
        problem: "expected the files beside the model, the data and the settings that the run began"
          + " with, found others",
        hint: "put the old files back, or begin another run")
    }
    isResumed = true
    rates = numbers["rates"]
    earlier = EarlierRates(in: numbers, before: options)
    distillationSteps = numbers["steps"]?.integer
    evaluations = (numbers["evaluations"]?.array ?? []).map { EvaluationResult($0) }
    for value in numbers["layers"]?.array ?? [] {
      let layer = DistilledLayer(value)
      guard let block = plan.blocks.first(where: { $0.layer == layer.layer }) else { continue }
      let maps = block.maps()
      for (tensor, values) in zip(block.tensors, maps.parameters) {
        try checkpoint.read("map/\(tensor.name)", into: values)
      }
      layers[layer.layer] = FinishedLayer(
        result: layer, maps: maps, steps: value["steps"]?.integer ?? 0)
    }
    distillation = numbers["distil"]?.object.map { (checkpoint, $0) }
    finetuning = numbers["finetune"]?.object.map { (checkpoint, $0) }
  }

  /// Refuses another rate than the checkpoint's where nothing is left to be trained at it.
  func requireUseOfRates() throws(PipelineError) {
    func isOther(_ stage: String, _ rate: Double?) -> Bool {
      guard let last = rates?[stage]?.array?.last else { return false }
      return last.double != rate
    }
    if isOther("distil", options.distillation.learningRate),
      plan.blocks.allSatisfy({ layers[$0.layer] != nil })
    {
      throw .invalidSetting(
        options.distillation.key(\.learningRate),
        problem: "expected layers that are yet to be distilled, found none")
    }
    if isOther("finetune", options.finetuning.learningRate), isFinetuned {
      throw .invalidSetting(
        options.finetuning.key(\.learningRate),
        problem: "expected steps of finetuning yet to be taken, found none")
    }
  }

  /// Whether every step of finetuning is taken, or measurements have ended it before.
  private var isFinetuned: Bool {
    guard let numbers = finetuning?.numbers else { return false }
    if numbers["step"]?.integer ?? 0 >= finetuningSteps { return true }
    guard let patience = options.finetuning.earlyStop?.patience else { return false }
    return numbers["rates"]?["stale"]?.integer ?? 0 >= patience
  }

  /// Adds an event to the log, but for the progress of writing, which says nothing of the run.
  func log(_ event: ConversionEvent, at moment: Moment) throws(FormatError) {
    if case .progress(.written) = event { return }
    try folder.append(event, at: moment)
  }

  /// Notes in the folder how the run failed; nil for a run that has not.
  func record(_ failure: RunFailure?) { folder.record(failure) }

  /// Saves the layers that are done, and the state of one that was begun.
  func save(
    _ layers: [Int: FinishedLayer], steps: Int, begun: RunState?
  ) throws(FormatError) {
    self.layers = layers
    distillationSteps = steps
    var state = begun ?? RunState()
    state.numbers = begun.map { ["distil": .object($0.numbers)] } ?? [:]
    try save(state)
  }

  /// Saves the state of finetuning.
  func save(finetuning state: RunState) throws(FormatError) {
    var state = state
    state.numbers = ["finetune": .object(state.numbers)]
    try save(state)
  }

  private func save(_ state: RunState) throws(FormatError) {
    var state = state
    // Maps or weights that were trained on something else must not become part of the run.
    try opened.requireUnchanged()
    state.numbers[ConversionKey.member] = .string(key)
    state.numbers["rates"] = earlier.record(with: options)
    state.numbers["steps"] = JSONValue(distillationSteps)
    state.numbers["evaluations"] = .array(evaluations.map { .object($0.json()) })
    state.numbers["layers"] = .array(
      layers.values.sorted { $0.result.layer < $1.result.layer }.map { layer in
        var object = layer.result.json()
        object["steps"] = .integer(layer.steps)
        return .object(object)
      })
    for block in plan.blocks {
      guard let layer = layers[block.layer] else { continue }
      state.tensors += zip(block.tensors, layer.maps.parameters).map { tensor, values in
        ("map/\(tensor.name)", values)
      }
    }
    try folder.save(state, description: description, threads: options.threads)
  }

  /// An error of the run with what there is to go on from.
  func explained(_ error: any Error) -> any Error {
    guard let error = error as? PipelineError else { return error }
    switch error {
    case .diverged, .finetuningDiverged, .interrupted:
      return PipelineError.stopped(run: folder.path, cause: error)
    default: return error
    }
  }
}

extension RunCheckpoint {
  /// The digests of what the run was begun with.
  fileprivate var inputs: [String] { description.inputs }
}

extension ArtifactDescription {
  /// The digests of the files that a run depends on.
  fileprivate var inputs: [String] {
    provenance.sources.map(\.sha256) + [provenance.data?.sha256 ?? "none"]
  }
}

extension DistilledLayer {
  /// Reads what `json` wrote; numbers that are none were written as null.
  fileprivate init(_ value: JSONValue) {
    self.init(
      layer: value["layer"]?.integer ?? -1, klBefore: value["kl_before"]?.double ?? .nan,
      klAfter: value["kl_after"]?.double ?? .nan,
      klPerHead: (value["kl_per_head"]?.array ?? []).map { $0.double ?? .nan })
  }
}
