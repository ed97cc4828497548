// Feature maps beside each other, on the queries and keys of one softmax model.

package import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel
internal import HHTraining

/// What a feature map makes of a softmax model's attention.
package struct MapDiagnosis: Sendable, Equatable {
  /// The map; nil for softmax itself.
  package let kind: FeatureMapKind?
  /// Every layer with attention.
  package let layers: [LayerDiagnosis]

  /// The means over layers and heads.
  package var mean: HeadStatistics { .mean(layers.map(\.mean)) }
  /// The mean over layers of the outputs' squared error, relative to softmax's outputs.
  package var outputError: Double {
    layers.reduce(0) { $0 + $1.outputError } / Double(max(1, layers.count))
  }
}

/// One softmax model, and what maps are trained and measured on. Maps with parameters are distilled
/// first; the others are what they are.
struct MapComparison {
  let teacher: ModelRunner
  let recipe: TrainingPlan
  /// Rows to distil on.
  let training: ModelInput
  /// Rows to watch distillation by.
  let heldOut: ModelInput
  /// Inputs of one row each to measure on.
  let inputs: [ModelInput]

  /// The learning rates that are tried, as shares of the recipe's.
  private static let rateShares = [1, 0.1]

  /// Distils a map, nil for softmax, and measures it.
  ///
  /// - Throws: What `progress` throws, `PipelineError.diverged`, and `FormatError` for weights that
  ///   cannot be read.
  func diagnosis(
    of kind: FeatureMapKind?, progress: ProgressReport
  ) throws -> MapDiagnosis {
    let student = try kind.map { try distilled($0, progress) } ?? teacher
    let layers = try AttentionComparison(teacher: teacher, student: student)
      .layers(of: inputs) { _ in try progress(.stage("diagnose")) }
    return MapDiagnosis(kind: kind, layers: layers)
  }

  /// The model with a map that was distilled at the recipe's rate or, where that is better on the
  /// held-out rows, at a lower one: the recipe's suits maps that are softmaxes, and others die of it.
  private func distilled(
    _ kind: FeatureMapKind, _ progress: ProgressReport
  ) throws -> ModelRunner {
    let settings = LinearAttentionSettings(kind)
    let student = teacher.rewritten(settings)
    let plan = teacher.graph.rewritten(settings).plan
    let isTrained = plan.blocks.contains { $0.design.parameters.contains(where: \.isTrained) }
    guard isTrained else { return student }
    var lowest = Double.infinity
    for share in Self.rateShares {
      var recipe = recipe
      let size = teacher.graph.attentions.first?.headSize ?? 1
      recipe.learningRate = share * recipe.settings.peakRate(headSize: size)
      let result = try DistillationStage(runner: teacher, plan: plan, recipe: recipe)
        .run(training: training, heldOut: heldOut, report: progress)
      guard result.klAfter < lowest else { continue }
      (student.maps, lowest) = (result.maps, result.klAfter)
    }
    return student
  }
}

extension LabelledRows {
  /// The first rows as inputs of one row each.
  func singleRows(_ limit: Int) -> [ModelInput] {
    (0..<min(limit, count)).map { rows([$0]).input }
  }
}
