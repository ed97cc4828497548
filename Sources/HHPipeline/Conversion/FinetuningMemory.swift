// How much memory finetuning takes, and what can be given up for less.

internal import HHCompute
internal import HHFormat
internal import HHModel
internal import HHTraining

/// Bytes that finetuning holds beside the mapped checkpoint; floating-point numbers, since settings
/// can ask for more than 64 bits hold.
struct FinetuningMemory {
  /// Weights that do not change, of the student and of a teacher that is asked at every step.
  private var frozen = 0.0
  /// The largest part of them that is needed at a time.
  private var frozenPart = 0.0
  /// Values, gradients, two moments and the last good values of what is trained.
  private var trained = 0.0
  /// Values that are trained.
  let trainedCount: Double
  /// What the backward pass needs of the forward pass.
  private var records = 0.0
  /// The same where blocks run again.
  private var recomputedRecords = 0.0
  /// Logits and their gradient.
  private var logits = 0.0
  /// A teacher's answers to rows that come again, which may lie on disk.
  let answers: Double

  /// The memory of finetuning `graph`, whose feature maps have `mapCount` values, on batches of
  /// `positions` positions.
  init(
    _ recipe: TrainingPlan, objective: ObjectiveKind, graph: Graph, mapCount: Int,
    positions: Double, answers: Double
  ) {
    self.answers = answers
    let layers = Double(max(1, graph.layerCount))
    let hidden = Double(graph.hiddenSize)
    let blocks = graph.nodes.reduce(0.0) {
      $0 + ($1.layer == nil ? 0 : Double($1.operation.weightCount))
    }
    let table = Double(graph.vocabularySize) * hidden
    let outer = graph.nodes.reduce(0.0) {
      $0 + ($1.layer == nil ? Double($1.operation.weightCount) : 0)
    }
    // A head that is the embeddings' table again shares its memory; to count it twice is careful.
    let all = blocks + table * (graph.tokenHead == nil ? 1 : 2) + outer
    // A teacher that is not asked has its own loss measured first; beside trained weights that is
    // before there are moments, whose memory is larger.
    let teacher = objective.asksTeacher ? 1.0 : 0
    frozen = 4 * all * (recipe.trained.weights ? teacher : 2)
    frozenPart = 4 * max(blocks / layers, table)
    var values = (recipe.trained.weights ? all : 0) + Double(mapCount)
    if let adapters = recipe.lora {
      let perBlock = Double(adapters.rank * adapters.targets.count) * 2 * hidden
      values += Double(graph.attentions.count) * perBlock
    }
    trainedCount = values
    trained = 5 * 4 * values
    let perPosition = graph.nodes.reduce(0.0) {
      $0 + Double($1.operation.recordedCount(hidden: graph.hiddenSize))
    }
    // Inputs of blocks and the gradients of hidden states.
    let between = positions * hidden * (layers + 6)
    records = 4 * (positions * perPosition + between)
    recomputedRecords = 4 * (positions * perPosition / layers + between)
    logits = 4 * 2 * 512 * Double(graph.vocabularySize)
  }

  /// Bytes that `recipe`'s ways take.
  func bytes(_ recipe: TrainingPlan) -> Double {
    (recipe.streamsWeights ? frozenPart : frozen) + trained + logits
      + (recipe.recomputesBlocks ? recomputedRecords : records)
  }

  /// Gives up time for memory where `limit` bytes ask for it: first the records of blocks, then the
  /// weights that do not change. Results stay the same.
  func fit(_ recipe: inout TrainingPlan, limit: Double) {
    if bytes(recipe) > limit { recipe.recomputesBlocks = true }
    if bytes(recipe) > limit { recipe.streamsWeights = !recipe.trained.weights }
  }
}

extension Operation {
  /// Values per position that training keeps of the operation.
  fileprivate func recordedCount(hidden: Int) -> Int {
    switch self {
    case .mlp(let mlp): (mlp.gate?.outputs ?? 0) + mlp.up.outputs + hidden
    case .attention(let attention):
      2 * (attention.headCount + attention.keyValueHeadCount) * attention.headSize + hidden
    case .norm: hidden
    default: 0
    }
  }
}
