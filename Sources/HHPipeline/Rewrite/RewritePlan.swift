// What a rewrite will do, computed before anything is touched.

internal import HHCompute

/// The rewrite of every softmax attention block of a graph into a Hedgehog block.
package struct RewritePlan: Sendable, Equatable {
  /// One attention block and the feature maps it gets.
  package struct Block: Sendable, Equatable {
    package let layer: Int
    package let headCount: Int
    package let keyValueHeadCount: Int
    package let headSize: Int
    package let map: FeatureMap

    /// Parameters of the maps of q and k: a matrix and a bias per head.
    package var parameterCount: Int {
      (headCount + keyValueHeadCount) * (headSize + 1) * map.featureSize
    }
    /// Floats of recurrent state a sequence needs in this block: S and z per key/value head.
    package var stateCount: Int {
      keyValueHeadCount * 2 * map.featureSize * (headSize + 1)
    }
    /// The new tensors with their shapes.
    package var tensors: [(name: String, shape: [Int])] {
      [
        (map.queryWeight, [headCount, headSize, map.featureSize]),
        (map.queryBias, [headCount, map.featureSize]),
        (map.keyWeight, [keyValueHeadCount, headSize, map.featureSize]),
        (map.keyBias, [keyValueHeadCount, map.featureSize]),
      ]
    }
  }

  /// The blocks in order.
  package let blocks: [Block]

  /// Parameters that the rewrite adds.
  package var newParameterCount: Int { blocks.reduce(0) { $0 + $1.parameterCount } }
  /// Floats of recurrent state per sequence, over all blocks.
  package var stateCount: Int { blocks.reduce(0) { $0 + $1.stateCount } }
}

extension RewritePlan.Block {
  /// Maps of the block before any training, which start at the identity.
  func maps() -> HedgehogMaps {
    HedgehogMaps(
      queryHeads: headCount, keyHeads: keyValueHeadCount, headSize: headSize,
      projectionSize: map.featureSize)
  }
}

extension Graph {
  /// The rewritten graph and its plan; this graph is not changed.
  ///
  /// Each block's maps have as many features (before negation) as its heads have dimensions: half
  /// of that costs several points of quality (arXiv 2510.05901).
  package func rewritten() -> (graph: Graph, plan: RewritePlan) {
    var graph = self
    var blocks: [RewritePlan.Block] = []
    for index in graph.nodes.indices {
      guard case .attention(var attention) = graph.nodes[index].operation,
        attention.mechanism == .softmax, let layer = graph.nodes[index].layer
      else { continue }
      let map = FeatureMap(layer: layer, featureSize: attention.headSize)
      attention.mechanism = .hedgehog(map)
      graph.nodes[index].operation = .attention(attention)
      blocks.append(
        RewritePlan.Block(
          layer: layer, headCount: attention.headCount,
          keyValueHeadCount: attention.keyValueHeadCount, headSize: attention.headSize, map: map))
    }
    return (graph, RewritePlan(blocks: blocks))
  }
}
