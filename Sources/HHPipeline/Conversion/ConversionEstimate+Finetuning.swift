// How much work finetuning is.

internal import HHCompute
internal import HHModel
internal import HHTraining

extension ConversionEstimate {
  /// What norms, activations and copies add to products.
  private static let elementwise = 1.15
  /// Operations that take as long as the optimiser takes for a trained value.
  private static let perTrainedValue = 60.0

  /// Adds the finetuning of `graph`, whose new feature maps have `mapCount` values, on `rowCount` rows
  /// of `length` positions, `reusableRowCount` of which distillation passes through the teacher, measured
  /// on `heldOutCount`.
  mutating func add(
    _ recipe: TrainingPlan, objective: ObjectiveKind, graph: Graph, mapCount: Int,
    rowCount: Int, reusableRowCount: Int = 0, heldOutCount: Int, length: Int
  ) {
    finetuningPrecision = recipe.precision.product
    let visits = recipe.visits
    let batch = Double(recipe.batchSize)
    func answers(_ rowCount: Int, visits: Double, reusableRowCount: Int = 0) -> Double? {
      TeacherAnswers.byteCount(
        objective, graph, rowCount: rowCount, reusableRowCount: reusableRowCount, length: length,
        visits: visits)
    }
    let kept = answers(rowCount, visits: visits, reusableRowCount: reusableRowCount)
    let heldOut = Double(heldOutCount)
    addRounding(
      recipe.precision.product, of: graph, positions: batch * Double(length),
      head: objective.readsTokenHead(of: graph) ? graph.vocabularySize * graph.hiddenSize : 0)
    let memory = FinetuningMemory(
      recipe, objective: objective, graph: graph, mapCount: mapCount,
      positions: batch * Double(length),
      answers: (kept ?? 0) + (answers(heldOutCount, visits: 2 * heldOut) ?? 0))
    finetuningMemory = memory
    // Gradients of inputs and of weights take a forward pass's operations each. Held-out rows are
    // measured before and after.
    let measured = 2 * heldOut
    let student = Double(length) * (3 * visits + measured)
    let asked =
      objective.asksTeacher
      ? (kept == nil ? visits : Double(rowCount - reusableRowCount)) + heldOut : heldOut
    let teacher = Double(length) * asked
    let weights = graph.nodes.reduce(0.0) { $0 + Double($1.operation.weightCount) }
    finetuning.products += 2 * Self.elementwise * weights * (student + teacher)
    if objective.readsTokenHead(of: graph) {
      let head = Double(graph.vocabularySize) * Double(graph.hiddenSize)
      let teacher = objective.asksTeacher ? Double(length) * (visits + measured) : teacher
      finetuning.products += 2 * Self.elementwise * head * (student + teacher)
    }
    finetuning.products +=
      Self.perTrainedValue * memory.trainedCount * Double(recipe.steps)
    for attention in graph.attentions {
      let (heads, size) = (Double(attention.headCount), Double(attention.headSize))
      let visible = Double(length) * (attention.isCausal ? 0.5 : 1)
      // The maps (4 d²), and sums over keys and queries of 2 d features (8 d²).
      finetuning.attention += student * heads * 12 * size * size
      finetuning.attention += teacher * heads * visible * (4 * size + Self.perPair / 2)
    }
    finetuning.calls += visits / batch * Double(graph.layerCount)
  }
}

extension ObjectiveKind {
  /// Whether logits of tokens are computed.
  fileprivate func readsTokenHead(of graph: Graph) -> Bool {
    graph.outputNodes.contains { node in
      if case .head(let head) = node.operation {
        head.decoder != nil && uses(head, in: graph)
      } else {
        false
      }
    }
  }
}
