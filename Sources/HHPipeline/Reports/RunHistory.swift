// What the events of a conversion tell afterwards: losses, layers, measurements, time and memory.

internal import HHAnalysis
internal import HHFormat
internal import HHTraining

/// The history of a conversion, from its events in their order; a run that was stopped and resumed has
/// one history.
package struct RunHistory: Sendable {
  /// Losses by stage, layer and kind of rows.
  private(set) var curves: [LossCurve] = []
  /// Every layer that was distilled.
  private(set) var layers: [LayerDivergence] = []
  /// What distillation and finetuning reached.
  private(set) var stages: [StageLosses] = []
  private(set) var costs: [StageCost] = []
  private(set) var evaluations: [EvaluationResult] = []
  /// What the verdict advises.
  private(set) var remedies: [Verdict.Remedy] = []
  /// The plan's facts.
  private(set) var facts: [Fact] = []
  /// What was written, and its size in bytes; nil before the end.
  private(set) var output: (path: String, bytes: Int)?
  /// Why the run ended early; nil where it did not, or goes on.
  private(set) var failure: String?
  /// The stage that goes on, and when it began.
  private var stage: (name: String, start: Double)?

  /// The history of nothing.
  package init() {}

  /// Adds an event that has just been reported, so many seconds after the beginning.
  package mutating func add(_ event: ConversionEvent, after seconds: Double) {
    if case .progress(.written) = event { return }
    add(event.object(at: Moment(seconds: seconds, peakMemory: peakMemoryBytes)))
  }

  /// Adds an event of a log. What is no event of this program tells nothing.
  mutating func add(_ event: JSONObject) {
    let value = JSONValue.object(event)
    switch event["event"]?.string {
    case "plan": plan(value)
    case "resumed": (stage, failure) = (nil, nil)
    case "stage": begin(event["stage"]?.string ?? "", value)
    case "step": step(value, "loss", isHeldOut: false)
    case "measured": step(value, "held_out_loss", isHeldOut: true)
    case "layer": layer(value)
    case "finetuned": finetuned(value)
    case "evaluated": evaluations.append(EvaluationResult(value))
    case "failed":
      failure = event["message"]?.string
      end(value)
    case "summary": summary(value)
    default: break
    }
  }

  private mutating func plan(_ event: JSONValue) {
    facts = [
      ("source", event["source"]?.string), ("architecture", event["architecture"]?.string),
      ("data", event["data"]?.string),
      ("memory, estimated", event["memory_bytes"]?.integer.map(Format.bytes)),
      ("time, estimated", event["seconds"]?.double.map(Format.duration)),
    ].compactMap { name, value in value.map { Fact(name, $0) } }
  }

  private mutating func step(_ event: JSONValue, _ key: String, isHeldOut: Bool) {
    guard let stage = event["stage"]?.string, let step = event["step"]?.integer,
      let loss = event[key]?.double
    else { return }
    let layer = event["layer"]?.integer
    let index =
      curves.lastIndex {
        $0.stage == stage && $0.layer == layer && $0.isHeldOut == isHeldOut
      } ?? curves.count
    if index == curves.count {
      curves.append(LossCurve(stage: stage, layer: layer, isHeldOut: isHeldOut))
    }
    // What is done again after a stop takes the place of what was lost.
    while let last = curves[index].steps.last, last >= step {
      curves[index].steps.removeLast()
      curves[index].losses.removeLast()
    }
    curves[index].steps.append(step)
    curves[index].losses.append(loss)
  }

  private mutating func layer(_ event: JSONValue) {
    guard let layer = event["layer"]?.integer, let after = event["kl_after"]?.double else { return }
    layers.removeAll { $0.layer == layer }
    layers.append(
      LayerDivergence(
        layer: layer, before: event["kl_before"]?.double, after: after,
        heads: (event["kl_per_head"]?.array ?? []).map { $0.double ?? .nan }))
    layers.sort { $0.layer < $1.layer }
  }

  private mutating func finetuned(_ event: JSONValue) {
    guard let before = event["loss_before"]?.double, let after = event["loss_after"]?.double else {
      return
    }
    let name = curves.contains { $0.stage == "train" } ? "train" : "finetune"
    stages.removeAll { $0.name == name }
    stages.append(
      StageLosses(
        name: name, loss: event["objective"]?.string ?? "", before: before, after: after,
        softmax: event["teacher_loss"]?.double))
    // Before the first step nothing was reported.
    guard let index = curves.firstIndex(where: { $0.stage == name && $0.isHeldOut }),
      curves[index].steps.first != 0
    else { return }
    curves[index].steps.insert(0, at: 0)
    curves[index].losses.insert(before, at: 0)
  }

  private mutating func summary(_ event: JSONValue) {
    end(event)
    failure = nil
    output = event["output"]?.string.map { ($0, event["artifact_bytes"]?.integer ?? 0) }
    remedies = (event["verdict"]?["try"]?.array ?? []).compactMap {
      $0.string.flatMap(Verdict.Remedy.init(rawValue:))
    }
    if let before = event["kl_before"]?.double, let after = event["kl_after"]?.double,
      !layers.isEmpty
    {
      stages.removeAll { $0.name == "distil" }
      stages.insert(
        StageLosses(
          name: "distil", loss: StageLosses.divergence, before: before, after: after, softmax: nil),
        at: 0)
    }
  }

  private mutating func begin(_ name: String, _ event: JSONValue) {
    guard name != stage?.name else { return }
    let start = end(event) ?? 0
    stage = (name, start)
  }

  /// Ends the stage that goes on with an event, and returns when that was; before the first stage
  /// files are read. Logs of earlier versions do not tell.
  @discardableResult private mutating func end(_ event: JSONValue) -> Double? {
    guard let now = (event[Moment.key] ?? event["seconds"])?.double else { return nil }
    let memory = event["peak_memory_bytes"]?.integer ?? 0
    let (name, start) = stage ?? ("read", 0)
    let index = costs.firstIndex { $0.name == name } ?? costs.count
    if index == costs.count { costs.append(StageCost(name: name, seconds: 0, memory: 0)) }
    costs[index].seconds += max(0, now - start)
    costs[index].memory = max(costs[index].memory, memory)
    stage = nil
    return now
  }
}

extension RunHistory {
  /// The most bytes of a log that is read.
  private static let limit = 1 << 28

  /// Reads the log of a run, whose last line may be torn.
  ///
  /// - Throws: `missingInput` where there is none, `badData` for a line that is no event.
  init(log path: String) throws(FormatError) {
    let file = try MappedFile(at: path)
    guard file.count <= Self.limit else {
      throw FormatError(
        .badData, file: path,
        problem: "expected a log of at most \(Format.bytes(Self.limit)), found one of"
          + " \(Format.bytes(file.count))")
    }
    let bytes = file.bytes.copied()
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // Behind the last line's end nothing follows but what was torn.
    for (index, line) in lines.dropLast().enumerated() where !line.isEmpty {
      add(try Self.event(Array(line), place: "line \(index + 1)", file: path))
    }
  }

  private static func event(
    _ line: [UInt8], place: String, file: String
  ) throws(FormatError) -> JSONObject {
    var problem = "expected an event, found something else"
    do throws(JSONError) {
      let event = try JSONValue(parsing: line).object
      if let event, event["event"]?.string != nil { return event }
    } catch {
      problem = "invalid JSON: \(error.problem)"
    }
    throw FormatError(.badData, file: file, place: place, problem: problem)
  }
}
