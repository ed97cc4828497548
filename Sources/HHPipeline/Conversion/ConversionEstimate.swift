// How much memory and time a conversion will take.

internal import Glibc
internal import HHAnalysis
internal import HHCompute
internal import HHData
internal import HHFormat
internal import HHModel
internal import HHTraining

/// Counts the work of training from the sizes of a graph.
struct ConversionEstimate {
  /// What a part of the work consists of.
  struct Work: Equatable {
    /// Floating-point operations of matrix products over many rows.
    var products = 0.0
    /// Floating-point operations of attention and feature maps, which run in small tiles with
    /// exponentials between them.
    var attention = 0.0
    /// How often a layer is started, which takes some time however small it is.
    var calls = 0.0

    /// Seconds at `rate` operations of matrix products per second; those of many rows are faster by
    /// `gain`.
    func seconds(rate: Double, gain: Double = 1) -> Double {
      products / (gain * rate) + attention / (Self.attentionShare * rate)
        + calls * Self.callSeconds
    }

    /// Measured for heads of 64 and 128 on two cores.
    private static let attentionShare = 0.65
    /// Measured on models of 64 columns.
    private static let callSeconds = 0.5e-3
  }

  /// The decoder writes the rows itself.
  private(set) var sampling = Work()
  /// The teacher passes every row once, layer by layer.
  private(set) var teacher = Work()
  /// The students' steps.
  private(set) var steps = Work()
  /// Held-out rows are measured before and after each layer.
  private(set) var measuring = Work()
  /// Forward, backward and optimiser of the whole model.
  var finetuning = Work()
  /// Bytes at the peak, without the mapped checkpoint; a floating-point number, since settings can
  /// ask for more than 64 bits hold.
  private(set) var memory = 0.0
  /// Bytes at the peak while the decoder writes rows, which is over before anything is trained.
  private var samplingMemory = 0.0
  /// The part of `memory` that may lie on disk between its uses.
  private var spillable = 0.0
  /// Bytes of a block, a batch and the embeddings.
  private var scratch = 0.0
  /// The part of `scratch` for the rounded factors of products.
  private var rounding = 0.0
  var finetuningMemory: FinetuningMemory?
  /// Share of a large matrix product's speed that a model of this width reaches.
  private let speed: Double
  /// Bytes of the whole model in float32.
  private let weights: Double
  private let distillationPrecision: ProductPrecision
  var finetuningPrecision = ProductPrecision.float32
  /// Whether the weights of a model that runs as a whole are read block by block.
  private(set) var streamsWeights = false

  /// Operations per visible key and feature-map pair that do not grow with a head's size:
  /// exponentials, sums and logarithms.
  static let perPair = 40.0

  /// Estimates distillation on `rowCount` distinct rows, measured on `heldOutCount`.
  init(
    graph: Graph, recipe: TrainingPlan, rowCount: Int, heldOutCount: Int, length: Int
  ) {
    // Measured on widths of 64 and 384: products of narrow matrices and heads reach less.
    speed = Double(graph.hiddenSize) / Double(graph.hiddenSize + 32)
    distillationPrecision = recipe.precision.product
    let heldOut = Double(heldOutCount) * Double(length)
    let tokens = Double(rowCount) * Double(length) + heldOut
    let weights = graph.nodes.reduce(0) { $0 + ($1.layer == nil ? 0 : $1.operation.weightCount) }
    self.weights = 4 * Double(weights + graph.vocabularySize * graph.hiddenSize)
    let batchSize = min(recipe.batchSize, rowCount)
    let visits = Double(recipe.steps) * Double(batchSize)
    let trained = visits * Double(length)
    var widest = 0
    for attention in graph.attentions {
      let queryWidth = attention.headCount * attention.headSize
      let keyWidth = attention.keyValueHeadCount * attention.headSize
      widest = max(widest, queryWidth + 2 * keyWidth)
      let visible = Double(length) * (attention.isCausal ? 0.5 : 1)
      let (heads, size) = (Double(attention.headCount), Double(attention.headSize))
      // Scores and mixed values of the teacher.
      teacher.attention += tokens * heads * visible * (4 * size + Self.perPair / 2)
      // Scores (2 d) and similarities (4 d) per pair, two gradients of those (8 d), and the maps
      // themselves: of all keys, and of the queries that a step looks at.
      let batch = attention.shape(
        rowCount: max(1, batchSize), length: length, validLengths: nil)
      let share =
        1 / Double(recipe.settings.sample(step: 0, of: batch, headSize: attention.headSize).step)
      let maps = 6 * size * size
      steps.attention +=
        trained * heads * (share * (visible * (14 * size + Self.perPair) + maps) + maps)
      steps.calls += Double(recipe.steps)
      measuring.attention +=
        2 * heldOut * heads * (visible * (6 * size + Self.perPair) + 2 * maps / 3)
    }
    teacher.products = 2 * tokens * Double(weights)
    teacher.calls =
      (Double(rowCount) / Double(max(1, batchSize))).rounded(.up) * Double(graph.layerCount)
    let hidden = Double(graph.hiddenSize)
    let batch = Double(batchSize) * Double(length)
    let scratch = max(4096, batch) * (Double(widest) + 6 * hidden)
    let revisited = visits > Double(rowCount) ? 2 * tokens * hidden : 0
    // The embeddings and one block are never resident together.
    let resident = max(
      Double(graph.vocabularySize) * hidden, Double(weights / max(1, graph.layerCount)))
    spillable = 4 * (tokens * hidden + revisited)
    self.scratch = 4 * (scratch + resident)
    memory = self.scratch + spillable
    addRounding(recipe.precision.product, of: graph, positions: max(4096, batch), head: 0)
  }

  /// Adds memory for the rounded factors of a product of `positions` rows with the largest weight;
  /// a head's weight has `head` values.
  mutating func addRounding(
    _ precision: ProductPrecision, of graph: Graph, positions: Double, head: Int
  ) {
    guard precision == .bfloat16 else { return }
    let linears = graph.nodes.flatMap(\.operation.linears)
    let largest = max(head, linears.map { $0.inputs * $0.outputs }.max() ?? 0)
    let widest = linears.map { max($0.inputs, $0.outputs) }.max() ?? 0
    // Two bytes for a value, and four where it is widened again on processors without bfloat16
    // units.
    let needed = 6 * (Double(largest) + positions * Double(widest))
    let more = max(0, needed - rounding)
    rounding += more
    scratch += more
    memory += more
  }

  /// Adds the writing of `rowCount` rows by the model itself, which reads them token by token.
  mutating func addSampling(rowCount: Int, length: Int, graph: Graph) {
    let tokens = Double(rowCount) * Double(length)
    let weights = graph.nodes.reduce(0.0) { $0 + Double($1.operation.weightCount) }
    sampling.products +=
      2 * tokens * (weights + Double(graph.vocabularySize) * Double(graph.hiddenSize))
    for attention in graph.attentions {
      sampling.attention +=
        tokens * Double(length) / 2 * Double(attention.headCount)
        * (4 * Double(attention.headSize) + Self.perPair / 2)
    }
    let groups = DecoderSampler.groupCount(graph, rowCount: rowCount, length: length)
    sampling.calls += Double(groups) * Double(length) * Double(graph.layerCount)
    samplingMemory =
      (distillationPrecision == .bfloat16 ? self.weights / 2 : self.weights)
      + Double(DecoderSampler.cacheBytes(graph, rowCount: rowCount, length: length))
  }

  /// Adds the choice of layers that keep softmax, for which the model reads a few rows again and again.
  mutating func addChoice(of count: Int, length: Int, graph: Graph) {
    let passes = SoftmaxLayerChoice.passes(choosing: count, of: graph.layerCount)
    let tokens = Double(SoftmaxLayerChoice.rowCount) * Double(length) * Double(passes)
    teacher.products += 2 * tokens * weights / 4
    // The logits of both models.
    let logits = 2 * 4 * Double(LanguageModelScorer.logits)
    samplingMemory = max(samplingMemory, weights + logits)
  }

  /// Decides what lies on disk, and what is computed or read a second time, so that the peak stays
  /// below `limit` bytes. Results stay the same.
  ///
  /// - Parameters:
  ///   - recipe: How to finetune; changed to take less memory where that is needed.
  ///   - evaluates: Whether the model and its teacher are evaluated.
  ///   - limit: Bytes that the user allows; nil is three quarters of the machine's memory.
  ///   - folder: Where a file may lie.
  /// - Returns: Where hidden states and a teacher's answers lie.
  /// - Throws: `PipelineError.invalidSetting` where even that is not enough.
  mutating func fit(
    _ recipe: inout TrainingPlan, evaluates: Bool, limit: Int?, folder: String
  ) throws(PipelineError) -> SpillSpace {
    defer { memory = max(memory, samplingMemory) }
    let bound = limit.map { Double($0) } ?? 0.75 * machineMemory
    finetuningMemory?.fit(&recipe, limit: bound - scratch)
    streamsWeights = recipe.streamsWeights || (evaluates && scratch + 2 * weights > bound)
    let finetuned = finetuningMemory?.bytes(recipe) ?? 0
    memory = scratch + max(spillable, finetuned + (finetuningMemory?.answers ?? 0))
    guard memory > bound else { return .memory }
    memory = scratch + finetuned
    // More than the machine has is refused by the settings that ask for it.
    try checkMemory()
    guard memory <= bound else {
      throw .invalidSetting(
        ConversionOptions().key(\.maximumMemory),
        problem:
          "expected at least \(Format.fixed(memory / 1e6, 0)) MB for the largest block and batch,"
          + " found \(Format.fixed(bound / 1e6, 0)) MB")
    }
    return .disk(folder: folder)
  }

  /// Refuses work that this machine's memory cannot hold.
  func checkMemory() throws(PipelineError) {
    let distillation = TrainingSettings(.distil)
    try requireMemory(
      memory, of: .length, distillation.key(\.batchSize), distillation.key(\.rowLimit))
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

  /// Seconds that everything takes, of which distillation has `budget`, if any.
  func seconds(budget: Double?) -> Double {
    let float32 = Self.rate(.float32)
    let rate = speed * float32
    func gain(_ precision: ProductPrecision) -> Double {
      precision == .float32 ? 1 : Self.rate(precision) / float32
    }
    let distillation =
      teacher.seconds(rate: rate, gain: gain(distillationPrecision))
      + [steps, measuring].reduce(0) { $0 + $1.seconds(rate: rate) }
    return sampling.seconds(rate: rate, gain: gain(distillationPrecision))
      + min(distillation, budget ?? .infinity)
      + finetuning.seconds(rate: rate, gain: gain(finetuningPrecision))
  }

  /// Operations per second of a matrix product, measured now in some milliseconds: the fastest of
  /// several, since other work on the machine can only slow them down.
  private static func rate(_ precision: ProductPrecision) -> Double {
    let size = 512
    let (a, b) = (Matrix(rows: size, columns: size), Matrix(rows: size, columns: size))
    let product = Matrix(rows: size, columns: size)
    let fastest =
      (0..<5).map { _ in
        let stopwatch = Stopwatch()
        gemm(a, b, into: product, precision: precision)
        return stopwatch.seconds
      }.min() ?? 1
    return 2 * Double(size * size * size) / max(1e-6, fastest)
  }
}

extension Operation {
  /// Weights of the operation's matrices.
  var weightCount: Int { linears.reduce(0) { $0 + $1.inputs * $1.outputs } }

  /// The linear maps of a block's operation.
  fileprivate var linears: [Linear] {
    switch self {
    case .mlp(let mlp): return [mlp.gate, mlp.up, mlp.down].compactMap(\.self)
    case .attention(let attention):
      switch attention.projection {
      case .fused(let linear): return [linear, attention.output]
      case .separate(let query, let key, let value):
        return [query, key, value, attention.output]
      }
    default: return []
    }
  }
}
