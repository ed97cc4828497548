// The training of one layer's feature maps, a step at a time.

internal import HHCompute
internal import HHFormat
internal import HHModel

/// A layer's student at work on its teacher's queries and keys.
struct LayerTraining {
  let student: LayerStudent
  private let teacher: TeacherLayer
  private let train: HiddenStates
  private let schedule: BatchSchedule
  private let recipe: TrainingPlan
  private let space: SpillSpace
  /// Whether the hidden states are replaced by the layer's output.
  private let advancing: Bool
  private let best: BestValues?
  private var rates: RateControl
  /// Queries and keys of batches that a later step visits again: computed once, used often.
  private var kept: [Int: LayerQKV] = [:]
  /// Batches that the teacher has passed.
  private var passed: Set<Int> = []
  /// Steps taken.
  private(set) var step = 0
  /// What the stage has taken so far.
  private(set) var pace: DistillationPace

  /// Prepares to train `student` on the rows of `train`, in the batches of `schedule`.
  init(
    _ student: LayerStudent, _ teacher: TeacherLayer, _ train: HiddenStates,
    _ schedule: BatchSchedule, recipe: TrainingPlan, space: SpillSpace, advancing: Bool,
    pace: DistillationPace
  ) {
    (self.student, self.teacher, self.train, self.schedule) = (student, teacher, train, schedule)
    (self.recipe, self.space, self.advancing) = (recipe, space, advancing)
    self.pace = pace
    rates = recipe.rates(headSize: teacher.attention.headSize, steps: schedule.order.count)
    best = rates.keepsBest ? BestValues(of: student.maps.trained) : nil
  }

  var layer: Int { teacher.layer }
  /// Distinct rows, and positions of each.
  var rowCount: Int { train.rowCount }
  var length: Int { train.length }
  /// Steps in all.
  var stepCount: Int { schedule.order.count }
  /// Whether every step is taken, or measurements have ended the layer before.
  var isDone: Bool { step == stepCount || rates.isExhausted }
  /// Whether the next step is the last.
  var isLastStep: Bool { step == stepCount - 1 }

  /// What a layer takes from its beginning.
  var whole: DistillationPace.Work {
    .init(layers: 1, passes: Set(schedule.order).count, steps: stepCount)
  }

  /// What is left to do in this layer.
  var left: DistillationPace.Work {
    .init(
      passes: Set(schedule.order[step...]).subtracting(passed).count, steps: stepCount - step)
  }

  /// Takes a step; returns the loss before it, zeros unless `measuring`.
  mutating func advance(measuring: Bool) throws(FormatError) -> DistillationLoss {
    let batch = schedule.order[step]
    let isLastVisit = schedule.lastVisit[batch] == step
    var queryKey: LayerQKV
    if let known = kept[batch] {
      queryKey = known
    } else {
      let pass = Stopwatch()
      queryKey = try train.queryKey(teacher, rows: schedule.batches[batch], advancing: advancing)
      passed.insert(batch)
      if !isLastVisit {
        queryKey = try queryKey.copied(into: space)
        kept[batch] = queryKey
      }
      pace.addPass(seconds: pass.seconds)
    }
    if isLastVisit { kept[batch] = nil }
    let stopwatch = Stopwatch()
    let sample = recipe.settings.sample(
      step: step, of: queryKey.shape, headSize: teacher.attention.headSize)
    let loss = student.step(
      queryKey, sample: sample, rate: rates.rate(step: step), measuring: measuring)
    if !isLastVisit { queryKey.evict() }
    pace.addStep(seconds: stopwatch.seconds)
    step += 1
    return loss
  }

  /// Whether the held-out loss is wanted now.
  var isMeasured: Bool { rates.isMeasured(after: step) }

  /// Takes a held-out loss in.
  mutating func record(measurement loss: Double) {
    if rates.observe(loss, after: step) { best?.keep() }
  }

  /// Ends the layer: the student has the parameters that count, and the hidden states are the next
  /// layer's.
  func finish(heldOutLoss: () -> Double) throws(FormatError) {
    if advancing { try train.advance(teacher, batchesOf: schedule, but: passed) }
    guard let best else { return }
    if rates.isExhausted || rates.best < heldOutLoss() { best.restore() }
  }

  /// What the following steps depend on, after the first. Hidden states, queries and keys follow from
  /// the model and the rows.
  var state: RunState {
    let student = student.state
    return RunState(
      numbers: [
        "layer": .integer(layer), "step": .integer(step),
        "peak_rate": .number(peakRate), "rates": .object(rates.state),
        "optimizer_steps": .integer(student.stepCount),
      ],
      tensors: (student.buffers + (best?.copies ?? [])).enumerated().map {
        ("distil/\($0)", $1)
      })
  }

  /// Goes on from a state, unless it is another layer's or the learning rate has changed since: what
  /// made a layer diverge may have begun long before.
  ///
  /// - Throws: `badData` where the checkpoint is not of these parameters.
  mutating func restore(
    _ numbers: JSONObject, _ checkpoint: RunCheckpoint
  ) throws(FormatError) {
    guard numbers["layer"]?.integer == layer, numbers["peak_rate"]?.double == peakRate,
      let step = numbers["step"]?.integer, (1...max(1, stepCount)).contains(step),
      let first = schedule.order.first
    else { return }
    student.begin(
      try train.queryKey(teacher, rows: schedule.batches[first], advancing: false),
      stepCount: numbers["optimizer_steps"]?.integer ?? step)
    let buffers = student.state.buffers + (best?.copies ?? [])
    for (index, buffer) in buffers.enumerated() {
      try checkpoint.read("distil/\(index)", into: buffer)
    }
    rates.state = numbers["rates"]?.object ?? [:]
    self.step = step
  }

  private var peakRate: Double { recipe.settings.peakRate(headSize: teacher.attention.headSize) }
}
