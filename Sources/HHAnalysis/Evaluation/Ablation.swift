// Measuring a model without a part of its attention.

internal import HHCompute
package import HHModel

/// A part of rewritten attention that a measurement can leave out, to see what it is worth.
package enum AttentionBranch: String, Sendable, CaseIterable {
  /// The keys that features weigh.
  case linear
  /// The keys that softmax weighs.
  case window
  /// Both.
  case attention
}

extension ModelRunner {
  /// Leaves a branch of the rewritten blocks' attention out. A published audit (arXiv 2510.05901)
  /// found conversions whose linear branch did nothing: without it they were as good as with it.
  ///
  /// - Throws: `PipelineError` for a model that has no such branch.
  package func leaveOut(_ branch: AttentionBranch) throws(PipelineError) {
    guard !maps.isEmpty else {
      throw .invalidSetting(
        .ablate, problem: "expected a converted model, found one whose attention is softmax")
    }
    guard branch != .window || maps.values.contains(where: { $0.design.window > 0 }) else {
      throw .invalidSetting(.ablate, problem: "expected a model with a window, found one without")
    }
    maps = maps.mapValues { maps in
      switch branch {
      case .linear: maps.withoutFeatures(keepingWindow: true)
      case .window: maps.withoutWindow()
      case .attention: maps.withoutFeatures(keepingWindow: false)
      }
    }
  }
}
