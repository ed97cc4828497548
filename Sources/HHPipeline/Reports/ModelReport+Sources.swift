// What a report says of an artifact and of a run.

package import HHAnalysis
internal import HHData
package import HHFormat
internal import HHModel

extension ModelReport {
  /// Why training is not known of an artifact alone.
  private static let noRun: SettingText =
    """
    An artifact keeps no losses by step and no times. Convert with \(.run, "FOLDER") and report on that folder, or let the \
    conversion write its own report with \(.report, "FILE").
    """

  /// What an artifact, or a run and its artifact, tell.
  ///
  /// - Parameters:
  ///   - path: The artifact's file or the run's folder.
  ///   - advice: A remedy in words.
  /// - Throws: `FormatError` for what is neither and for what is damaged.
  package init(on path: String, advice: (Verdict.Remedy) -> String) throws(FormatError) {
    if try PathKind(of: path) == .directory {
      guard isPresent(join(path, RunFolder.recipeName)) else {
        throw FormatError(
          .badData, file: path,
          problem: "expected an artifact or the folder of a run, found a folder without"
            + " \(RunFolder.recipeName)")
      }
      let history = try RunHistory(log: join(path, RunFolder.logName))
      let recipe = try Recipe.named(join(path, RunFolder.recipeName))
      try self.init(name: path, history, recipe: recipe, advice: advice)
    } else {
      guard try Inspection.isArtifact(path) else {
        throw FormatError(
          .unsupported, file: path,
          problem: "expected an artifact or the folder of a run, found something else",
          hint: "a softmax checkpoint has nothing to report before it is converted")
      }
      self.init(name: path, missing: Self.noRun)
      try take(artifact: path, advice: advice, remedies: [])
    }
  }

  /// What a conversion that kept no run folder tells.
  package init(
    artifact path: String, _ history: RunHistory, advice: (Verdict.Remedy) -> String
  ) throws(FormatError) {
    try self.init(name: path, history, recipe: nil, advice: advice)
  }

  /// What the history of a conversion tells, and the artifact that it wrote.
  private init(
    name: String, _ history: RunHistory, recipe: Recipe?, advice: (Verdict.Remedy) -> String
  ) throws(FormatError) {
    let state: SettingText =
      history.failure.map { "The run ended early: \(inline($0))" }
      ?? (history.output == nil
        ? "The run is not finished: go on with it with 'hh-convert resume', and report again."
        : "The conversion did not train.")
    self.init(name: name, missing: state)
    facts = history.facts
    if let recipe { settings = .known(recipe.json.facts) }
    take(history, advice: advice)
    guard let output = history.output else { return }
    // Another conversion may have written there since.
    guard isPresent(output.path), try Inspection.isArtifact(output.path),
      try ArtifactReader(at: output.path, limit: .none).byteCount == output.bytes
    else {
      let gone: SettingText =
        """
        The run's output \(quoted(output.path)) is no artifact, is not there, or was written anew \
        since: report on the artifact itself.
        """
      provenance = .missing(gone)
      return
    }
    try take(artifact: output.path, advice: advice, remedies: history.remedies)
  }

  private mutating func take(_ history: RunHistory, advice: (Verdict.Remedy) -> String) {
    if !history.curves.isEmpty { curves = .known(history.curves) }
    if !history.layers.isEmpty { divergences = .known(history.layers) }
    if !history.stages.isEmpty { stages = .known(history.stages) }
    costs =
      history.costs.isEmpty
      ? .missing("The log of this run was written by a version that kept no times.")
      : .known(history.costs)
    if !history.evaluations.isEmpty { take(history.evaluations, history.remedies, advice) }
  }

  /// Takes measurements, and the verdict on the last that compares with the teacher.
  private mutating func take(
    _ results: [EvaluationResult], _ remedies: [Verdict.Remedy],
    _ advice: (Verdict.Remedy) -> String
  ) {
    evaluations = .known(
      results.map {
        Measured(task: $0.task, after: $0.after, data: $0.data, figures: $0.figures)
      })
    guard let result = results.last(where: { $0.task == Fidelity.task }) else {
      verdict = .missing("There is no softmax model to compare with.")
      return
    }
    let found = Verdict(result, remedies: remedies)
    verdict = .known(
      Judgement(
        grade: found.grade.rawValue, text: found.grade.text, reason: found.reason,
        data: result.data, advice: found.remedies.map(advice)))
  }

  /// Takes what a manifest says, in whose words figures are known best.
  private mutating func take(
    artifact path: String, advice: (Verdict.Remedy) -> String, remedies: [Verdict.Remedy]
  ) throws(FormatError) {
    let reader = try ArtifactReader(at: path, limit: .none)
    let manifest = reader.manifest
    let description = manifest.description
    (artifact, isDelta) = (path, manifest.base != nil)
    examination = .missing(
      "Not looked at: \(.data, "FILE") shows attention on a text's own tokens.")
    facts = manifest.facts(byteCount: reader.byteCount) + facts.filter { $0.name == "data" }
    provenance = .known(manifest.provenance)
    let recipe = JSONValue.object(description.provenance.recipe).facts
      .filter { $0.name != ConversionKey.member }
    let attention = description.linearAttention.map { [Fact("linear attention", $0.summary)] } ?? []
    if settings.value == nil { settings = .known(attention + recipe) }
    let found = StageRecords(description)
    if !found.layers.isEmpty {
      let before = divergences.value ?? []
      divergences = .known(
        found.layers.map { layer in
          LayerDivergence(
            layer: layer.layer, before: before.first { $0.layer == layer.layer }?.before,
            after: layer.after, heads: layer.heads)
        })
    } else if divergences.value == nil {
      divergences = .missing("Nothing was distilled. \(.data, "FILE") shows attention as it is.")
    }
    if found.stages.isEmpty {
      stages = .missing("Nothing was trained.")
      if curves.value == nil { curves = .missing("Nothing was trained.") }
    } else {
      stages = .known(found.stages)
    }
    if found.evaluations.isEmpty {
      let reason: SettingText = "Nothing was measured: 'hh-convert eval' does that."
      (verdict, evaluations) = (.missing(reason), .missing(reason))
    } else {
      take(found.evaluations, remedies, advice)
    }
  }
}

extension SettingKey {
  /// Where a conversion writes a report.
  static let report = SettingKey(option: "report")
  fileprivate static let run = ConversionOptions().key(\.run)
}
