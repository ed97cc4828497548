// Softmax attention, and linear attention with fused Hedgehog maps.

internal import CHHKernels

/// One sequence and one key/value head with the query heads that share it.
package struct AttentionItem: Sendable {
  /// Number of queries.
  package var length: Int
  /// Number of valid keys; of as many positions as queries the rest is padding, and one query at a
  /// time may look at many keys.
  package var keys: Int
  /// Elements of a head.
  package var headSize: Int
  /// Query heads that share the key/value head.
  package var group: Int
  /// Whether query i sees keys 0...i only.
  package var causal: Bool
  /// Row strides of queries, keys and values, and output.
  package var queryStride: Int
  package var keyStride: Int
  package var valueStride: Int
  package var outStride: Int

  /// Creates an item.
  package init(
    length: Int, keys: Int, headSize: Int, group: Int, causal: Bool, queryStride: Int,
    keyStride: Int, valueStride: Int = 0, outStride: Int = 0
  ) {
    precondition(length >= 0 && keys >= 0, "sizes are not negative")
    precondition(!causal || keys <= length, "with a causal mask every key has a query")
    precondition(headSize > 0 && group > 0, "heads have a size")
    self.length = length
    self.keys = keys
    self.headSize = headSize
    self.group = group
    self.causal = causal
    self.queryStride = queryStride
    self.keyStride = keyStride
    self.valueStride = valueStride
    self.outStride = outStride
  }

  var queries: RowLayout {
    RowLayout(rows: length, columns: group * headSize, stride: queryStride)
  }
  func keys(stride: Int) -> RowLayout {
    RowLayout(rows: keys, columns: headSize, stride: stride)
  }
  var out: RowLayout {
    RowLayout(rows: length, columns: group * headSize, stride: outStride)
  }
}

/// Floats of scratch space for `softmaxAttention` on `keys` keys.
package func softmaxAttentionScratch(keys: Int, headSize: Int) -> Int {
  hh_softmax_attention_scratch(keys, headSize)
}

/// out = softmax(scale · q kᵀ) v. Queries without any valid key give zeros.
package func softmaxAttention(
  _ item: AttentionItem, q: Span<Float>, k: Span<Float>, v: Span<Float>, scale: Float,
  into out: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
) {
  let needed = softmaxAttentionScratch(keys: item.keys, headSize: item.headSize)
  unsafe withItem(item, q, k, v, &out, &scratch, needing: needed) { item in
    // Safe: `withItem` checked every extent.
    unsafe withUnsafePointer(to: item) { unsafe hh_softmax_attention_forward($0, scale) }
  }
}

/// The feature maps of one item's heads: W (group, headSize, half) and b (group, half) for the
/// queries, (headSize, half) and (half) for the keys.
package struct FeatureMapSpans: ~Escapable {
  let half: Int
  let epsilon: Float
  let weightQ: Span<Float>
  let biasQ: Span<Float>
  let weightK: Span<Float>
  let biasK: Span<Float>

  /// Gathers the spans; `half` is half the number of features.
  @_lifetime(copy weightQ, copy biasQ, copy weightK, copy biasK)
  package init(
    half: Int, epsilon: Float, weightQ: Span<Float>, biasQ: Span<Float>, weightK: Span<Float>,
    biasK: Span<Float>
  ) {
    precondition(half > 0, "a feature map has features")
    self.half = half
    self.epsilon = epsilon
    self.weightQ = weightQ
    self.biasQ = biasQ
    self.weightK = weightK
    self.biasK = biasK
  }

  func pointers(
    _ item: AttentionItem, _ body: (hh_feature_maps) -> Void
  ) {
    let size = item.headSize * half
    // Safe: `address` checked every extent, and the pointers do not leave `body`.
    unsafe weightQ.address(needing: item.group * size) { weightQ in
      unsafe biasQ.address(needing: item.group * half) { biasQ in
        unsafe weightK.address(needing: size) { weightK in
          unsafe biasK.address(needing: half) { biasK in
            unsafe body(
              hh_feature_maps(
                f: half, weight_q: weightQ, bias_q: biasQ, weight_k: weightK, bias_k: biasK,
                epsilon: epsilon))
          }
        }
      }
    }
  }
}

/// Floats of scratch space for `linearAttention`; independent of the length.
package func linearAttentionScratch(headSize: Int, half: Int, group: Int) -> Int {
  hh_linear_attention_scratch(headSize, half, group)
}

/// Floats of the state of `linearAttention`: S (2 half, headSize), then z (2 half).
package func linearAttentionState(headSize: Int, half: Int) -> Int {
  hh_linear_attention_state(headSize, half)
}

/// out = φ(q) S / (φ(q) z + ε), S = Σ φ(k) vᵀ, z = Σ φ(k) over the visible keys.
package func linearAttention(
  _ item: AttentionItem, q: Span<Float>, k: Span<Float>, v: Span<Float>, maps: FeatureMapSpans,
  into out: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
) {
  let needed = linearAttentionScratch(
    headSize: item.headSize, half: maps.half, group: item.group)
  unsafe withItem(item, q, k, v, &out, &scratch, needing: needed) { pointers in
    unsafe maps.pointers(item) { maps in
      // Safe: `withItem` and `pointers` checked every extent.
      unsafe withUnsafePointer(to: pointers) { item in
        unsafe withUnsafePointer(to: maps) { unsafe hh_linear_attention_forward(item, $0, nil) }
      }
    }
  }
}

/// `linearAttention` of positions that follow others: begins with the sums S and z of the past in
/// `state` and leaves those after the last key there. A single position takes a shorter way.
package func linearAttention(
  _ item: AttentionItem, q: Span<Float>, k: Span<Float>, v: Span<Float>, maps: FeatureMapSpans,
  state: inout MutableSpan<Float>, into out: inout MutableSpan<Float>,
  scratch: inout MutableSpan<Float>
) {
  let size = linearAttentionState(headSize: item.headSize, half: maps.half)
  let needed = linearAttentionScratch(
    headSize: item.headSize, half: maps.half, group: item.group)
  let isStep = item.length == 1 && item.keys == 1
  unsafe withItem(item, q, k, v, &out, &scratch, needing: needed) { pointers in
    unsafe maps.pointers(item) { maps in
      // Safe: `withItem`, `pointers` and `address` checked every extent; a step's 3 half floats of
      // scratch space are fewer than `needed`.
      unsafe state.address(needing: size) { state in
        unsafe withUnsafePointer(to: pointers) { item in
          unsafe withUnsafePointer(to: maps) {
            if isStep {
              unsafe hh_linear_attention_step(item, $0, state)
            } else {
              unsafe hh_linear_attention_forward(item, $0, state)
            }
          }
        }
      }
    }
  }
}

/// Checks every extent of an item and hands its C form to `body`.
func withItem(
  _ item: AttentionItem, _ q: Span<Float>, _ k: Span<Float>, _ v: Span<Float>,
  _ out: inout MutableSpan<Float>, _ scratch: inout MutableSpan<Float>, needing needed: Int,
  _ body: (hh_attention_item) -> Void
) {
  // An item without keys still writes its rows, so an empty span must do as their address.
  let keys = item.keys(stride: item.keyStride)
  let values = item.keys(stride: item.valueStride)
  precondition(k.count >= keys.extent && v.count >= values.extent, "keys outside their span")
  // Safe: `address` checked the extents of queries, output and scratch, the line above the rest.
  unsafe scratch.address(needing: needed) { scratch in
    unsafe out.address(needing: item.out.extent) { out in
      unsafe q.address(needing: item.queries.extent) { q in
        unsafe k.withUnsafeBufferPointer { k in
          unsafe v.withUnsafeBufferPointer { v in
            unsafe body(
              hh_attention_item(
                length: item.length, keys: item.keys, head_size: item.headSize, group: item.group,
                causal: item.causal ? 1 : 0, q: q, q_stride: item.queryStride, k: k.baseAddress,
                k_stride: item.keyStride, v: v.baseAddress, v_stride: item.valueStride, out: out,
                out_stride: item.outStride, scratch: scratch))
          }
        }
      }
    }
  }
}
