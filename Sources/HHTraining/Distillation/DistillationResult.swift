// What distillation gives, of all layers.

package import HHCompute

/// A layer that is trained, from which a run goes on.
package struct FinishedLayer {
  /// What was reached.
  package let result: DistilledLayer
  /// The trained maps.
  package let maps: FeatureMaps
  /// Steps that were run.
  package let steps: Int

  /// Puts a layer together.
  package init(result: DistilledLayer, maps: FeatureMaps, steps: Int) {
    (self.result, self.maps, self.steps) = (result, maps, steps)
  }
}

/// What distillation gave.
package struct DistillationResult {
  package private(set) var layers: [DistilledLayer]
  /// Trained maps by layer.
  package private(set) var maps: [Int: FeatureMaps]
  /// Steps that were run per layer, at most.
  package let steps: Int
  /// Training tokens (or image positions) seen per layer.
  package let tokens: Int
  /// Where the teacher's states behind its last block were asked for.
  package var passed: TeacherStates?

  /// Puts finished layers together.
  package init(_ finished: [Int: FinishedLayer], tokensPerStep: Int) {
    layers = finished.values.map(\.result).sorted { $0.layer < $1.layer }
    maps = finished.mapValues(\.maps)
    steps = finished.values.map(\.steps).max() ?? 0
    tokens = steps * tokensPerStep
  }

  /// Maps that were not distilled.
  package init(maps: [Int: FeatureMaps]) {
    (layers, self.maps, steps, tokens) = ([], maps, 0, 0)
  }

  /// The result without layers that keep softmax after all.
  package func without(_ kept: [Int]) -> DistillationResult {
    var result = self
    result.layers.removeAll { kept.contains($0.layer) }
    for layer in kept { result.maps[layer] = nil }
    return result
  }

  /// Mean over layers.
  package var klBefore: Double { mean(layers.map(\.klBefore)) }
  /// Mean over layers.
  package var klAfter: Double { mean(layers.map(\.klAfter)) }
  private func mean(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
  }
}
