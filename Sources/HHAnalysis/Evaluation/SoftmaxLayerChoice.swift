// Which layers of a converted decoder are worth their softmax.

package import HHCompute
package import HHData
package import HHModel

/// Chooses layers one after another, each time the one whose softmax brings the logits nearest to the
/// unconverted model's.
///
/// One of two rows ends in what it began with, beyond the window where it is long enough for that: what
/// linear attention loses first is the recall of what was said far back. Layers are distilled one by one, so that a converted layer that
/// is given back its softmax is as it would be had it kept it.
package struct SoftmaxLayerChoice {
  private let teacher: ModelRunner
  private let maps: [Int: FeatureMaps]
  private let settings: LinearAttentionSettings
  private let rows: TokenRows
  /// The teacher's last states.
  private let expected: Matrix

  /// Rows that are compared.
  package static let rowCount = 2

  /// How often the rows are read, as a rule, to choose `count` of `layers` layers.
  package static func passes(choosing count: Int, of layers: Int) -> Int { layers + 6 * count }

  /// Prepares to choose for a model with `settings` and distilled `maps`, on the first rows of a
  /// batch without padding.
  ///
  /// - Throws: `FormatError` for weights that cannot be read.
  package init(
    teacher: ModelRunner, maps: [Int: FeatureMaps], settings: LinearAttentionSettings,
    rows batch: TokenBatch
  ) throws {
    (self.teacher, self.maps, self.settings) = (teacher, maps, settings)
    let length = batch.length
    // So far back that no window reaches it, yet with a passage to repeat.
    let distance = max(length / 2, min((settings.window ?? 0) * 5 / 4, length * 7 / 8))
    var ids: [Int32] = []
    for row in 0..<min(Self.rowCount, batch.rowCount) {
      var row = Array(batch.ids[row * length..<(row + 1) * length])
      if ids.isEmpty { row.replaceSubrange(distance..<length, with: row[0..<length - distance]) }
      ids += row
    }
    rows = TokenRows(ids: ids, length: length)
    expected = try teacher.lastStates(of: rows)
  }

  /// The `count` layers that are worth most, in ascending order.
  ///
  /// A layer's worth shrinks as others keep their softmax, as a rule: those that were worth less than
  /// another is now are not measured again.
  ///
  /// - Throws: what `progress` throws.
  package func layers(_ count: Int, progress: (Double) throws -> Void) throws -> [Int] {
    var kept: [Int] = []
    var divergence = try divergence(keeping: [])
    var candidates = maps.keys.sorted().map { (layer: $0, worth: Double.infinity, round: -1) }
    let expectedCalls = Double(Self.passes(choosing: count, of: candidates.count))
    var calls = 0.0
    while kept.count < min(count, maps.count) {
      while candidates[0].round < kept.count {
        let found = try self.divergence(keeping: kept + [candidates[0].layer])
        // Answers that are no numbers are the worst.
        let worth = divergence - found
        candidates[0] = (
          candidates[0].layer, worth.isNaN ? -.infinity : worth, kept.count
        )
        candidates.sort { ($1.worth, $0.layer) < ($0.worth, $1.layer) }
        calls += 1
        try progress(min(1, calls / expectedCalls))
      }
      let best = candidates.removeFirst()
      kept.append(best.layer)
      divergence -= best.worth
    }
    return kept.sorted()
  }

  /// Mean divergence of next tokens in nats, with linear attention in all layers but those.
  private func divergence(keeping kept: [Int]) throws -> Double {
    var settings = settings
    settings.keptSoftmax = .layers(kept)
    let student = ModelRunner(
      graph: teacher.graph.rewritten(settings).graph, parameters: teacher.parameters)
    (student.maps, student.streamsWeights) = (maps, teacher.streamsWeights)
    student.precision = teacher.precision
    let states = try student.lastStates(of: rows)
    let scratch = ScratchSpace()
    let step = max(1, LanguageModelScorer.logits / teacher.graph.vocabularySize)
    var sum = 0.0
    for start in stride(from: 0, to: states.rows, by: step) {
      let range = start..<min(states.rows, start + step)
      let target = Matrix(rows: range.count, columns: teacher.graph.vocabularySize)
      let logits = Matrix(rows: range.count, columns: teacher.graph.vocabularySize)
      try teacher.tokenLogits(of: expected.rows(range), into: target)
      try student.tokenLogits(of: states.rows(range), into: logits)
      let labels = [Int32](repeating: 0, count: range.count)
      sum += Loss.teacherDivergence(target, temperature: 1, labels: labels)
        .evaluate(logits, weight: nil, scratch: scratch)
    }
    return sum / Double(max(1, states.rows))
  }
}
