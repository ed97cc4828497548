// What a rewrite will do, computed before anything is touched.

package import HHCompute
internal import HHFormat

/// The rewrite of softmax attention blocks of a graph into blocks of linear attention.
package struct RewritePlan: Sendable, Equatable {
  /// One attention block and the feature maps it gets.
  package struct Block: Sendable, Equatable {
    package let layer: Int
    package let headCount: Int
    package let keyValueHeadCount: Int
    package let headSize: Int
    package let map: LinearAttentionLayer

    /// What the block computes.
    package var design: LinearAttentionShape {
      map.shape(queryHeads: headCount, keyValueHeads: keyValueHeadCount, headSize: headSize)
    }
    /// Parameters of the maps of q and k and of the window.
    package var parameterCount: Int {
      design.parameters.reduce(0) { $0 + $1.shape.reduce(1, *) }
    }
    /// Floats of recurrent state a sequence needs in this block: S and z of every head that has a
    /// state, and the window's keys and values.
    package var stateCount: Int { design.stateCount }
    /// The new tensors with their shapes.
    package var tensors: [(name: String, shape: [Int])] {
      design.parameters.map { (map.role(of: $0.name), $0.shape) }
    }
  }

  /// The blocks in order.
  package let blocks: [Block]

  /// Takes every member as it is.
  package init(blocks: [Block]) {
    self.blocks = blocks
  }

  /// The plan without blocks that keep softmax after all.
  package func without(_ layers: [Int]) -> RewritePlan {
    RewritePlan(blocks: blocks.filter { !layers.contains($0.layer) })
  }

  /// Parameters that the rewrite adds.
  package var newParameterCount: Int { blocks.reduce(0) { $0 + $1.parameterCount } }
  /// Floats of recurrent state per sequence, over all blocks.
  package var stateCount: Int { blocks.reduce(0) { $0 + $1.stateCount } }
}

extension RewritePlan.Block {
  /// Maps of the block before any training, which start at the identity.
  package func maps() -> FeatureMaps { FeatureMaps(design) }
}

extension Graph {
  /// The rewritten graph and its plan; this graph is not changed.
  ///
  /// Unless the settings say otherwise, each block's maps have as many features (before negation) as
  /// its heads have dimensions: half of that costs several points of quality (arXiv 2510.05901).
  /// `problem(with:)` says what settings fit the model.
  package func rewritten(_ settings: LinearAttentionSettings = .init()) -> (
    graph: Graph, plan: RewritePlan
  ) {
    var graph = self
    var blocks: [RewritePlan.Block] = []
    for index in graph.nodes.indices {
      guard case .attention(var attention) = graph.nodes[index].operation,
        attention.mechanism == .softmax, let layer = graph.nodes[index].layer,
        !settings.softmaxLayers.contains(layer)
      else { continue }
      let map = LinearAttentionLayer(
        layer: layer, headSize: attention.headSize, maximumLength: maximumLength,
        rotary: attention.rotary, settings: settings)
      attention.mechanism = .linear(map)
      graph.nodes[index].operation = .attention(attention)
      blocks.append(
        RewritePlan.Block(
          layer: layer, headCount: attention.headCount,
          keyValueHeadCount: attention.keyValueHeadCount, headSize: attention.headSize, map: map))
    }
    return (graph, RewritePlan(blocks: blocks))
  }
}

extension ModelRunner {
  /// A runner of the same weights under the rewritten graph, with maps as they start.
  package func rewritten(_ settings: LinearAttentionSettings = .init()) -> ModelRunner {
    let (graph, plan) = graph.rewritten(settings)
    let student = ModelRunner(graph: graph, parameters: parameters)
    for block in plan.blocks { student.maps[block.layer] = block.maps() }
    return student
  }
}
