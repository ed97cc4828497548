// The parts of linear attention beside a window: what is left without one of them.

internal import HHKernels

extension FeatureMaps {
  /// The same maps without their window and sinks, for inference alone: the keys there have no
  /// weight. A query with no key left gives zeros.
  package func withoutWindow() -> FeatureMaps {
    let maps = FeatureMaps(design)
    for (source, target) in zip(parameters, maps.parameters) { copy(source, to: target) }
    if let parameter = maps.window {
      // A factor of 0 silences a window and keeps its keys out of the linear branch.
      var span = parameter.mutableSpan
      span.update(repeating: -.infinity)
    }
    return maps
  }

  /// The same maps without their features, for inference alone: keys outside of the window count
  /// for nothing, and those inside only where the window is kept.
  package func withoutFeatures(keepingWindow: Bool) -> FeatureMaps {
    var shape = design
    shape.function = SilentMap()
    if !keepingWindow { (shape.window, shape.sinks) = (0, 0) }
    let maps = FeatureMaps(shape)
    if let source = window, let target = maps.window {
      copy(source, to: target)
    }
    return maps
  }
}

/// φ = 0: no key has any weight.
private struct SilentMap: FeatureFunction {
  func featureCount(headSize: Int) -> Int { 1 }

  func forward(_ input: FeatureInput, into phi: Matrix, scales: FloatBuffer) {
    // One thread's own memory, so not by `clear`, which may use several.
    var span = phi.mutableSpan
    span.update(repeating: 0)
  }

  func backward(
    _ input: FeatureInput, phi: Matrix, dPhi: Matrix, dX: Matrix?, gradients: [Matrix?]
  ) {}
}
