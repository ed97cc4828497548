// How much memory and time a conversion will take.

internal import Glibc
internal import HHCompute

/// Counts the work of distillation from the sizes of a graph.
struct ConversionEstimate {
  /// Floating-point operations of distillation.
  private var operations = 0.0
  /// Floating-point operations of finetuning.
  private var finetuningOperations = 0.0
  /// Bytes at the peak, without the mapped checkpoint; a floating-point number, since settings can ask for more than 64 bits hold.
  private(set) var memory = 0.0
  /// Bytes of that which may lie on disk between their uses.
  private var spillable = 0.0

  /// Estimates distillation on `rowCount` distinct rows (held-out ones included).
  init(graph: Graph, recipe: DistillationRecipe, rowCount: Int, length: Int) {
    let tokens = Double(rowCount) * Double(length)
    let weights = graph.nodes.reduce(0) { $0 + ($1.layer == nil ? 0 : $1.operation.weightCount) }
    let visits = Double(recipe.steps) * Double(recipe.batchSize)
    let trained = visits * Double(length)
    var widest = 0
    for attention in graph.attentions {
      let queryWidth = attention.headCount * attention.headSize
      let keyWidth = attention.keyValueHeadCount * attention.headSize
      widest = max(widest, queryWidth + 2 * keyWidth)
      let visible = Double(length) * (attention.isCausal ? 0.5 : 1)
      // Scores and mixed values of the teacher.
      operations += tokens * 4 * visible * Double(queryWidth)
      // Scores (d), similarities (2 d) and two gradients (4 d) per pair, and the maps themselves,
      // for the share of the queries that a step looks at.
      let batch = attention.shape(
        rowCount: min(recipe.batchSize, max(1, rowCount)), length: length, validLengths: nil)
      let share = 1 / Double(recipe.sample(step: 0, of: batch, headSize: attention.headSize).step)
      let perQuery = 14 * visible + 6 * Double(attention.headSize)
      operations +=
        trained * Double(queryWidth) * (share * perQuery + 6 * Double(attention.headSize))
    }
    operations += 2 * tokens * Double(weights)
    let hidden = Double(graph.hiddenSize)
    let batch = Double(min(recipe.batchSize, rowCount)) * Double(length)
    let scratch = max(4096, batch) * (Double(widest) + 6 * hidden)
    let revisited = visits > Double(rowCount) ? 2 * tokens * hidden : 0
    // The embeddings and one block are never resident together.
    let resident = max(
      Double(graph.vocabularySize) * hidden, Double(weights / max(1, graph.layerCount)))
    spillable = 4 * (tokens * hidden + revisited)
    memory = spillable + 4 * (scratch + resident)
  }

  /// Adds finetuning: forward, backward and optimiser, and the memory of all three.
  mutating func add(_ recipe: FinetuneRecipe, graph: Graph, batchSize: Int, length: Int) {
    guard recipe.isOn else { return }
    let weights = Double(graph.nodes.reduce(0) { $0 + $1.operation.weightCount })
    let tables = Double(graph.vocabularySize * graph.hiddenSize)
    let positions = Double(recipe.batchSize ?? batchSize) * Double(length)
    let steps = Double(recipe.steps) * Double(recipe.accumulation)
    finetuningOperations += 6 * steps * positions * (weights + tables)
    // Values, gradients, two moments and the last good values.
    let trained = recipe.choice.weights ? weights + tables : 0
    let perPosition = graph.nodes.reduce(0.0) {
      $0 + Double($1.operation.recordedCount(hidden: graph.hiddenSize))
    }
    let records =
      recipe.recomputesBlocks ? perPosition / Double(max(1, graph.layerCount)) : perPosition
    let logits = 512 * Double(graph.vocabularySize)
    memory += 4 * (weights + tables + 4 * trained + positions * records + logits)
  }

  /// Decides what lies on disk so that the peak stays below `limit` bytes.
  ///
  /// - Throws: `PipelineError.invalidOption` where even that is not enough.
  mutating func space(limit: Int?, folder: String) throws(PipelineError) -> SpillSpace {
    guard let limit, memory > Double(limit) else { return .memory }
    memory -= spillable
    guard memory <= Double(limit) else {
      throw .invalidOption(
        name: "--max-memory",
        problem: "expected at least \(fixed(memory / 1e6, 0)) MB for the largest block and batch,"
          + " found \(fixed(Double(limit) / 1e6, 0)) MB")
    }
    return .disk(folder: folder)
  }

  /// Refuses work that this machine's memory cannot hold.
  func checkMemory() throws(PipelineError) {
    let available = Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE)))
    guard memory > available else { return }
    throw .invalidOption(
      name: "--length, --batch or --rows",
      problem: "expected work that fits the machine's \(fixed(available / 1e9, 1)) GB of memory,"
        + " found about \(fixed(memory / 1e9, 1)) GB")
  }

  /// Bytes at the peak of a conversion without training: the maps, and what streams through.
  static func memory(ofRewrite plan: RewritePlan, threads: Int) -> Int {
    4 * plan.newParameterCount + 64_000_000 + threads * 32_000_000
  }

  /// Seconds of a conversion without training: digesting twice and compressing a byte takes 3 ns of
  /// a processor's time. A disk may be slower.
  static func seconds(ofRewriting bytes: Int, threads: Int) -> Double {
    3e-9 * Double(bytes) / Double(min(threads, Producer.processorCount))
  }

  /// Seconds that distillation takes.
  var distillationSeconds: Double { operations / Self.rate }

  /// Seconds that finetuning takes.
  var finetuningSeconds: Double {
    finetuningOperations > 0 ? finetuningOperations / Self.rate : 0
  }

  /// Operations per second: those of a matrix product measured now (a few milliseconds), halved
  /// because not all of training is matrix products.
  private static var rate: Double {
    let size = 384
    let (a, b) = (Matrix(rows: size, columns: size), Matrix(rows: size, columns: size))
    let product = Matrix(rows: size, columns: size)
    gemm(a, b, into: product)
    let stopwatch = Stopwatch()
    for _ in 0..<4 { gemm(a, b, into: product) }
    return 4 * Double(size * size * size) / max(1e-6, stopwatch.seconds)
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

  /// Weights of the operation's matrices.
  fileprivate var weightCount: Int {
    func count(_ linears: [Linear]) -> Int { linears.reduce(0) { $0 + $1.inputs * $1.outputs } }
    switch self {
    case .mlp(let mlp): return count([mlp.gate, mlp.up, mlp.down].compactMap(\.self))
    case .attention(let attention):
      switch attention.projection {
      case .fused(let linear): return count([linear, attention.output])
      case .separate(let query, let key, let value):
        return count([query, key, value, attention.output])
      }
    default: return 0
    }
  }
}
