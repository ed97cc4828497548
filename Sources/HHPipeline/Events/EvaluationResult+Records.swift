// Results of evaluations as manifests, checkpoints and logs keep them.

internal import HHAnalysis
internal import HHFormat

extension EvaluationResult {
  /// What a softmax model's figure is called in a manifest.
  private static let softmax = "softmax "
  /// The name of a stage that is an evaluation.
  static let stageName = "evaluate"

  /// The result as a manifest keeps it.
  var stage: ArtifactDescription.Stage {
    var members: JSONObject = ["task": .string(task), "data": .string(data)]
    for figure in figures {
      members[figure.name] = .number(figure.value)
      if let teacher = figure.teacher { members[Self.softmax + figure.name] = .number(teacher) }
    }
    return .init(name: Self.stageName, qualities: members)
  }

  /// Reads what `stage` wrote after another stage; nil for a stage that is no evaluation.
  init?(_ stage: ArtifactDescription.Stage, after: String) {
    guard stage.name == Self.stageName, let task = stage.qualities["task"]?.string else {
      return nil
    }
    let figures = stage.qualities.pairs.compactMap { name, value -> EvaluationFigure? in
      guard name != "task", name != "data", !name.hasPrefix(Self.softmax),
        value.double != nil || value == .null
      else { return nil }
      return EvaluationFigure(
        name: name, value: value.double ?? .nan,
        teacher: stage.qualities[Self.softmax + name]?.double, isCost: name.hasPrefix("perplexity"))
    }
    self.init(
      task: task, after: after, data: stage.qualities["data"]?.string ?? "", figures: figures)
  }

  /// Reads what `json` wrote.
  init(_ value: JSONValue) {
    self.init(
      task: value["task"]?.string ?? "", after: value["after"]?.string ?? "",
      data: value["examples"]?.string ?? "",
      figures: (value["figures"]?.array ?? []).map { figure in
        EvaluationFigure(
          name: figure["name"]?.string ?? "", value: figure["value"]?.double ?? .nan,
          teacher: figure["softmax"]?.double, isCost: figure["is_cost"]?.bool ?? false)
      })
  }
}
