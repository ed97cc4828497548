// Gradients of the feature maps of one layer.

internal import HHKernels

/// Gradients of the parameters of `FeatureMaps` that are trained.
package struct FeatureMapGradients: Sendable {
  /// In the order and the shapes of `FeatureMaps.trained`.
  package let parameters: [FloatBuffer]
  private let design: LinearAttentionShape

  /// Creates gradients of zero for `maps`.
  package init(like maps: FeatureMaps) {
    design = maps.design
    parameters = maps.trained.map { FloatBuffer(count: $0.count) }
  }

  /// Trained parameters of one map.
  private var ofMap: [FeatureParameter] {
    design.function.parameters(headSize: design.headSize).filter(\.isTrained)
  }

  /// Where the gradients of one state head's work lie in its partial sums.
  struct Parts {
    let ofMap: [Int]
    let group: Int
    let hasWindow: Bool

    /// Floats of one map.
    var mapCount: Int { ofMap.reduce(0, +) }
    /// Floats of all: the group's query maps, the key map, and the group's window factors.
    var count: Int { (group + 1) * mapCount + (hasWindow ? group : 0) }
    /// Where the window factor of query head `g` lies.
    func window(_ g: Int) -> Int { (group + 1) * mapCount + g }

    /// The gradients of map `index`, the key map's after the group's, for every parameter of the
    /// function, nil for those that are not trained.
    func gradients(
      _ partials: FloatBuffer, start: Int, map index: Int, _ parameters: [FeatureParameter]
    ) -> [Matrix?] {
      var offset = start + index * mapCount
      return parameters.map { parameter in
        guard parameter.isTrained else { return nil }
        defer { offset += parameter.count }
        return Matrix(partials, offset: offset, rows: 1, columns: parameter.count)
      }
    }
  }

  /// The layout of partial sums.
  static func parts(_ design: LinearAttentionShape) -> Parts {
    Parts(
      ofMap: design.function.parameters(headSize: design.headSize).filter(\.isTrained).map(\.count),
      group: design.group, hasWindow: design.window > 0)
  }

  /// Adds partial sums up, one block for each sequence and state head: the order does not depend on
  /// threads. Those of the window come in as gradients of its factors.
  func add(_ partials: FloatBuffer, batch: Int, maps: FeatureMaps) {
    let parts = Self.parts(design)
    let stateHeads = design.stateHeads
    @Sendable func add(_ offset: Int, count: Int, to target: FloatBuffer, at position: Int) {
      let rows = Matrix(
        partials, offset: offset, rows: batch, columns: count, stride: stateHeads * parts.count)
      var sums = target.mutableSpan(position..<position + count)
      addColumnSums(of: rows.span, rows.layout, to: &sums)
    }
    let counts = parts.ofMap
    // Heads that share a map follow one another.
    parallelFor(count: stateHeads, grain: design.sharing == .allHeads ? stateHeads : 1) {
      range, _ in
      for (head, index) in range.flatMap({ head in (0...parts.group).map { (head, $0) } }) {
        let isKey = index == parts.group
        let map = isKey ? design.keyMap(head) : design.queryMap(head * parts.group + index)
        var offset = head * parts.count + index * parts.mapCount
        for (number, count) in counts.enumerated() {
          add(
            offset, count: count, to: parameters[(isKey ? counts.count : 0) + number],
            at: map * count)
          offset += count
        }
      }
    }
    guard parts.hasWindow, let parameter = parameters.last else { return }
    let sums = FloatBuffer(count: design.queryHeads)
    for head in 0..<stateHeads {
      for g in 0..<parts.group {
        add(
          head * parts.count + parts.window(g), count: 1, to: sums, at: head * parts.group + g)
      }
    }
    var span = parameter.mutableSpan
    for (head, factor) in maps.windowFactors.enumerated() {
      span[head] += design.windowFactor.slope(factor) * sums.span[head]
    }
  }
}
