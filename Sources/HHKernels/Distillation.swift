// Distillation of fused Hedgehog maps against softmax weights.

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

/// Floats of scratch space for `distil`.
package func distillationScratch(keys: Int, headSize: Int, half: Int) -> Int {
  hh_distillation_scratch(keys, headSize, half)
}

/// Floats of gradients that `distil` writes: dW and db of the queries (group, d, f), (group, f),
/// then of the keys (d, f), (f).
package func distillationGradients(headSize: Int, half: Int, group: Int) -> Int {
  (group + 1) * (headSize + 1) * half
}

/// Loss, and gradients of the feature maps, of one key/value head and its query heads.
///
/// - Parameters:
///   - item: Sizes; value and output strides are not used. Queries in the padding do not count.
///   - q: Queries, from the first of the group.
///   - k: Keys.
///   - maps: Feature maps of these heads.
///   - scale: Factor of the teacher's scores.
///   - weight: Factor of every gradient.
///   - firstQuery: The first query that counts.
///   - queryStep: Positions from there to the next one that counts, and so on; at least 1.
///   - measure: What to compute.
///   - gradients: Overwritten, unless only the loss is asked for; see `distillationGradients`.
///   - scratch: See `distillationScratch`.
/// - Returns: One entry per query head; zeros if only the gradient is asked for.
package func distil(
  _ item: AttentionItem, q: Span<Float>, k: Span<Float>, maps: FeatureMapSpans, scale: Float,
  weight: Float, firstQuery: Int, queryStep: Int, measure: DistillationMeasure,
  gradients: inout MutableSpan<Float>,
  scratch: inout MutableSpan<Float>
) -> [DistillationSums] {
  let (d, half, group) = (item.headSize, maps.half, item.group)
  let needed = distillationScratch(keys: item.keys, headSize: d, half: half)
  let gradientCount = distillationGradients(headSize: d, half: half, group: group)
  var sums = [hh_distillation_sums](repeating: hh_distillation_sums(), count: group)
  precondition(k.count >= item.keys(stride: item.keyStride).extent, "keys outside their span")
  precondition(item.keys <= item.length, "every key is beside a query")
  precondition(firstQuery >= 0 && queryStep > 0, "queries in ascending order")
  // Safe: `address` and the lines above checked every extent, `sums` has `group` entries.
  unsafe gradients.address(needing: gradientCount) { gradients in
    let dBiasQ = unsafe gradients + group * d * half
    let dWeightK = unsafe dBiasQ + group * half
    let options = unsafe hh_distillation_options(
      first_query: firstQuery, query_step: queryStep, scale: scale, weight: weight,
      measure: measure == .gradientOnly ? 0 : 1,
      gradient: measure == .lossOnly ? 0 : 1, dweight_q: gradients, dbias_q: dBiasQ,
      dweight_k: dWeightK, dbias_k: dWeightK + d * half)
    unsafe scratch.address(needing: needed) { scratch in
      unsafe q.address(needing: item.queries.extent) { q in
        unsafe k.withUnsafeBufferPointer { k in
          unsafe maps.pointers(item) { maps in
            let pointers = unsafe hh_attention_item(
              length: item.length, keys: item.keys, head_size: d, group: group,
              causal: item.causal ? 1 : 0, q: q, q_stride: item.queryStride, k: k.baseAddress,
              k_stride: item.keyStride, v: nil, v_stride: 0, out: nil, out_stride: 0,
              scratch: scratch)
            unsafe withUnsafePointer(to: pointers) { item in
              unsafe withUnsafePointer(to: maps) { maps in
                unsafe withUnsafePointer(to: options) { options in
                  unsafe sums.withUnsafeMutableBufferPointer { sums in
                    unsafe hh_distillation(item, maps, options, sums.baseAddress)
                  }
                }
              }
            }
          }
        }
      }
    }
  }
  return sums.map { sums in
    var result = DistillationSums()
    (result.crossEntropy, result.divergence) = (sums.cross_entropy, sums.divergence)
    result.smallestDenominator = sums.smallest_sum
    return result
  }
}
