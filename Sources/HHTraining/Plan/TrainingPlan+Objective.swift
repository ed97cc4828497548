// What a model is trained to do.

internal import HHData
internal import HHFormat
package import HHModel

extension TrainingPlan {
  /// The objective for a model and the rows it is trained on.
  ///
  /// - Throws: `invalidSetting` where model or data cannot serve it.
  package func objective(for graph: Graph, isLabelled: Bool) throws(PipelineError) -> ObjectiveKind
  {
    let own: ObjectiveKind? =
      switch graph.kind {
      case .decoder: graph.tokenHead == nil ? nil : .nextToken
      case .encoder, .image:
        if graph.classCount ?? 0 > 1, isLabelled {
          .classes
        } else {
          masking != nil && graph.tokenHead != nil ? .maskedTokens : nil
        }
      }
    let hasLogits = graph.tokenHead != nil || graph.classifier != nil
    switch settings.loss {
    case .labels?:
      if let own { return own }
      let expected =
        graph.kind == .decoder
        ? "a decoder with a head" : "a classifier of two classes or more, and labels"
      throw problem(.labels, "\(expected), found none in this model or its data")
    case .teacherLogits?:
      if hasLogits { return .teacherLogits }
      throw problem(.teacherLogits, "a model with a head, found one without")
    case .teacherHidden?: return .teacherStates
    case nil:
      // The logits of a whole vocabulary say more than states, but an encoder's users read states.
      return own ?? (graph.kind == .image && hasLogits ? .teacherLogits : .teacherStates)
    }
  }

  /// The objective of training without a teacher: the labels, whatever they are.
  ///
  /// - Throws: `invalidSetting` naming the recipe's key that is to blame.
  package func trainingObjective(
    for graph: Graph, isLabelled: Bool
  ) throws(PipelineError) -> ObjectiveKind {
    do throws(PipelineError) {
      return try objective(for: graph, isLabelled: isLabelled)
    } catch {
      if graph.classifier != nil {
        throw .invalidSetting(
          .data, problem: "expected rows with labels for the classifier, found none")
      }
      throw .invalidSetting(
        SettingKey(key: "model"),
        problem: "expected a model with a head that can be trained, found one without"
          + (graph.kind == .decoder
            ? "" : "\nhint: 'classes' in the stage 'train' gives it a classifier"))
    }
  }

  private func problem(_ loss: TrainingSettings.Loss, _ expected: String) -> PipelineError {
    .invalidSetting(settings.key(\.loss), problem: "expected for '\(loss.rawValue)' \(expected)")
  }
}

extension ObjectiveKind {
  /// The objective in the words of manifests and events.
  package var word: String {
    switch self {
    case .nextToken: "next-token"
    case .maskedTokens: "masked-tokens"
    case .classes: "classes"
    case .values: "values"
    case .teacherLogits: "teacher-logits"
    case .teacherStates: "teacher-hidden"
    }
  }
}
