// Distillation of softmax attention into features: spans in, spans out, every count checked.

internal import CHHKernels

/// What a distillation item computes.
package enum DistillationMeasure: Sendable {
  /// Gradients only.
  case gradientOnly
  /// Loss and divergence only.
  case lossOnly
  /// Both.
  case both
}

/// Sums over the queries of one head.
package struct DistillationSums: Sendable, Equatable {
  /// Cross-entropy of the student's weights under the teacher's.
  package var crossEntropy = 0.0
  /// Kullback-Leibler divergence of the student from the teacher.
  package var divergence = 0.0
  /// Smallest denominator of the student's weights, epsilon not included.
  package var smallestDenominator = Float.infinity

  /// Sums of no queries.
  package init() {}

  /// Adds the sums of other queries.
  package mutating func add(_ other: DistillationSums) {
    crossEntropy += other.crossEntropy
    divergence += other.divergence
    smallestDenominator = min(smallestDenominator, other.smallestDenominator)
  }
}

/// Distils the softmax attention of one query head; `dPhiQ` is overwritten, `dPhiK` added to.
///
/// - Parameters:
///   - item: Sizes and factors; the teacher's scores have the factor `scoreScale`.
///   - inputs: What is read.
///   - hasPacked: Whether `scratch` is as a call with the same keys and the same measure left it.
///   - comparesOutputs: Whether values are read, and outputs compared.
///   - weightsFactor: Factor of each query's cross-entropy in the gradients.
///   - outputsFactor: Factor of each query's mean squared error of the output in the gradients.
///   - measure: What to compute.
///   - dPhiQ: Gradients of the queries' features, (length, features).
///   - dPhiK: Gradients of the keys' features, (keys, features).
///   - scratch: `item.distillationScratch` floats.
/// - Returns: Sums over the queries, and the gradient of the window's factor.
package func distilLinearAttention(
  _ item: LinearAttentionItem, _ inputs: LinearAttentionInputs, hasPacked: Bool,
  comparesOutputs: Bool, weightsFactor: Float, outputsFactor: Float, measure: DistillationMeasure,
  dPhiQ: inout MutableSpan<Float>,
  dPhiK: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
) -> (sums: DistillationSums, outputError: Double, dWindowFactor: Float) {
  let rows = measure == .lossOnly ? (0, 0) : (item.length, item.keys)
  precondition(
    dPhiQ.count >= rows.0 * item.features && dPhiK.count >= rows.1 * item.features,
    "gradients of features outside their span")
  precondition(item.group == 1, "one query head at a time")
  precondition(outputsFactor == 0 || comparesOutputs, "a loss of outputs needs values")
  var dWindowFactor: Float = 0
  var sums = hh_linear_distillation_sums()
  // Safe: the lines above checked the gradients, `withItem` the rest.
  unsafe dPhiQ.withUnsafeMutableBufferPointer { dPhiQ in
    unsafe dPhiK.withUnsafeMutableBufferPointer { dPhiK in
      unsafe withUnsafeMutablePointer(to: &dWindowFactor) { dWindowFactor in
        let options = unsafe hh_linear_distillation_options(
          has_packed: hasPacked ? 1 : 0, weights_factor: weightsFactor,
          outputs_factor: outputsFactor,
          measure: measure == .gradientOnly ? 0 : 1, gradient: measure == .lossOnly ? 0 : 1,
          dphi_q: dPhiQ.baseAddress, dphi_k: dPhiK.baseAddress, dwindow_factor: dWindowFactor)
        unsafe inputs.withItem(
          item, keyFeatures: item.keys, scratch: &scratch, needing: item.distillationScratch
        ) { pointers in
          if !comparesOutputs { unsafe pointers.v = nil }
          unsafe withUnsafePointer(to: options) {
            unsafe hh_linear_distillation(&pointers, $0, &sums)
          }
        }
      }
    }
  }
  var result = DistillationSums()
  (result.crossEntropy, result.divergence) = (sums.cross_entropy, sums.divergence)
  result.smallestDenominator = sums.smallest_sum
  return (result, sums.output_error, dWindowFactor)
}
