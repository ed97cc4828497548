// What distillation measures.

internal import HHKernels

/// What one query head's distillation sums up.
struct HeadSums: Sendable {
  var weights = DistillationSums()
  var outputError = 0.0
}

/// Means over sequences and the queries that count of how far a student's attention is from its
/// teacher's.
package struct DistillationLoss: Sendable, Equatable {
  /// Cross-entropy of each query head, in nats.
  package let crossEntropy: [Double]
  /// Kullback-Leibler divergence KL(P ‖ S) of each query head, in nats; 0 for a perfect student.
  package let divergence: [Double]
  /// Mean squared difference of each query head's outputs; 0 where outputs are not compared.
  package let outputError: [Double]
  /// Smallest denominator Σ_j s_ij of the batch; near ε the weights lose their meaning.
  package let smallestDenominator: Float
  /// The factors by which the loss is made of the two.
  private let factors: AttentionDistillation.Factors

  /// The mean over query heads of the cross-entropy.
  package var meanCrossEntropy: Double { Self.mean(crossEntropy) }

  /// The mean over query heads of the divergence.
  package var meanDivergence: Double { Self.mean(divergence) }

  /// The mean over query heads of the outputs' squared error.
  package var meanOutputError: Double { Self.mean(outputError) }

  /// What training makes smaller.
  package var loss: Double {
    (factors.weights == 0 ? 0 : factors.weights * meanCrossEntropy)
      + (factors.outputs == 0 ? 0 : factors.outputs * meanOutputError)
  }

  /// The loss without the part that no student can change: 0 for a perfect one.
  package var reducibleLoss: Double { Self.mean(reducibleLossPerHead) }

  /// The same of each query head.
  package var reducibleLossPerHead: [Double] {
    zip(divergence, outputError).map {
      (factors.weights == 0 ? 0 : factors.weights * $0)
        + (factors.outputs == 0 ? 0 : factors.outputs * $1)
    }
  }

  /// Means of the sums of every sequence and state head, each with one entry per query head.
  init(
    _ items: [[HeadSums]], shape: AttentionShape, queries: Int, stateHeads: Int,
    factors: AttentionDistillation.Factors = .init()
  ) {
    let group = shape.queryHeads / stateHeads
    let count = Double(max(1, queries))
    let heads = (0..<shape.queryHeads).map { head in
      (0..<shape.batch).reduce(into: HeadSums()) { sums, row in
        let item = items[row * stateHeads + head / group][head % group]
        sums.weights.add(item.weights)
        sums.outputError += item.outputError
      }
    }
    crossEntropy = heads.map { $0.weights.crossEntropy / count }
    divergence = heads.map { $0.weights.divergence / count }
    outputError = heads.map { $0.outputError / count }
    smallestDenominator = heads.map(\.weights.smallestDenominator).min() ?? .infinity
    self.factors = factors
  }

  private static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(max(1, values.count))
  }
}
