// Linear attention over the features of any map: spans in, spans out, every count checked.

internal import CHHKernels

/// Sizes and factors of the attention over computed features of one key/value head and the query
/// heads that share it.
package struct LinearAttentionItem: Sendable {
  /// Number of queries.
  package var length: Int
  /// Number of valid keys, without the sinks.
  package var keys: Int
  /// Keys before the first query's own, with a causal mask; negative where the own keys of the
  /// first queries are sinks.
  package var past = 0
  /// Positions from one query to the next; only distillation takes others than 1.
  package var queryStep = 1
  /// Elements of a head.
  package var headSize: Int
  /// Query heads; only the forward pass takes more than one.
  package var group = 1
  /// Features of a query or key.
  package var features: Int
  /// Nearest keys that are weighed by their scores; 0 for none.
  package var window: Int
  /// First keys of the sequence that lie apart and are weighed by their scores; 0 for none.
  package var sinks = 0
  /// Whether query i sees keys 0...past + i · queryStep only.
  package var causal: Bool
  /// Row strides of queries, keys, values and outputs.
  package var queryStride: Int
  package var keyStride: Int
  package var valueStride: Int
  package var outStride: Int
  /// Factor of q · k.
  package var scoreScale: Float
  /// Added to the denominator.
  package var epsilon: Float

  /// Creates an item.
  package init(
    length: Int, keys: Int, headSize: Int, features: Int, window: Int, causal: Bool,
    queryStride: Int, keyStride: Int, valueStride: Int, outStride: Int, scoreScale: Float,
    epsilon: Float
  ) {
    precondition(length >= 0 && keys >= 0 && window >= 0, "sizes are not negative")
    precondition(headSize > 0 && features > 0, "heads and features have a size")
    precondition(causal || window == 0, "a window goes with a causal mask")
    self.length = length
    self.keys = keys
    self.headSize = headSize
    self.features = features
    self.window = window
    self.causal = causal
    self.queryStride = queryStride
    self.keyStride = keyStride
    self.valueStride = valueStride
    self.outStride = outStride
    self.scoreScale = scoreScale
    self.epsilon = epsilon
  }

  /// Number of keys from the first on that are weighed by features: those that have left the window
  /// of the query that would come next.
  package var linearKeys: Int {
    causal ? min(keys, max(0, past + length + 1 - max(1, window))) : keys
  }

  /// Floats of scratch space of `linearAttention`.
  package var scratch: Int {
    unsafe withUnsafePointer(to: bare) { unsafe hh_linear_attention_scratch($0) }
  }
  /// Floats of scratch space of `linearAttentionBackward`.
  package var backwardScratch: Int {
    unsafe withUnsafePointer(to: bare) { unsafe hh_linear_attention_backward_scratch($0) }
  }
  /// Floats of scratch space of `distilLinearAttention`.
  package var distillationScratch: Int {
    unsafe withUnsafePointer(to: bare) { unsafe hh_linear_distillation_scratch($0) }
  }

  /// The item without memory, which is all that the sizes of scratch space depend on.
  private var bare: hh_linear_item {
    var item = unsafe hh_linear_item()
    unsafe fill(&item)
    // Safe: never followed; scales are planned for whether or not they come.
    unsafe item.scales = UnsafePointer(bitPattern: MemoryLayout<Float>.alignment)
    return unsafe item
  }

  fileprivate func fill(_ item: inout hh_linear_item) {
    unsafe item.length = length
    unsafe item.keys = keys
    unsafe item.past = past
    unsafe item.query_step = queryStep
    unsafe item.head_size = headSize
    unsafe item.group = group
    unsafe item.features = features
    unsafe item.window = window
    unsafe item.sinks = sinks
    unsafe item.causal = causal ? 1 : 0
    unsafe item.q_stride = queryStride
    unsafe item.k_stride = keyStride
    unsafe item.v_stride = valueStride
    unsafe item.out_stride = outStride
    unsafe item.score_scale = scoreScale
    unsafe item.epsilon = epsilon
  }

  /// Elements of the rows of keys or values.
  fileprivate func extent(_ rows: Int, stride: Int) -> Int {
    RowLayout(rows: rows, columns: headSize, stride: stride).extent
  }
  /// Elements of the rows of queries or outputs.
  fileprivate func groupExtent(stride: Int) -> Int {
    RowLayout(rows: length, columns: group * headSize, stride: stride).extent
  }
}

/// Queries, keys and values of an item, and their features.
package struct LinearAttentionInputs: ~Escapable {
  let q: Span<Float>
  let k: Span<Float>
  let v: Span<Float>
  let sinkK: Span<Float>
  let sinkV: Span<Float>
  let phiQ: Span<Float>
  let phiK: Span<Float>
  let scales: Span<Float>
  let windowFactors: Span<Float>

  /// Gathers the spans: queries, keys and values, keys and values of the sinks with the same
  /// strides, then features of queries (group, length, features) and keys (keys, features), the
  /// keys' scales (keys), empty where all are zero, and the factors of the window's weights
  /// (group).
  @_lifetime(
    copy q, copy k, copy v, copy sinkK, copy sinkV, copy phiQ, copy phiK, copy scales,
    copy windowFactors)
  package init(
    q: Span<Float>, k: Span<Float>, v: Span<Float>, sinkK: Span<Float>, sinkV: Span<Float>,
    phiQ: Span<Float>, phiK: Span<Float>, scales: Span<Float>, windowFactors: Span<Float>
  ) {
    self.q = q
    self.k = k
    self.v = v
    self.sinkK = sinkK
    self.sinkV = sinkV
    self.phiQ = phiQ
    self.phiK = phiK
    self.scales = scales
    self.windowFactors = windowFactors
  }

  /// Checks every extent and hands the item's C form, without output, to `body`.
  func withItem(
    _ item: LinearAttentionItem, keyFeatures: Int, scratch: inout MutableSpan<Float>,
    needing needed: Int, _ body: (inout hh_linear_item) -> Void
  ) {
    precondition(
      q.count >= item.groupExtent(stride: item.queryStride)
        && k.count >= item.extent(item.keys, stride: item.keyStride)
        && v.count >= item.extent(item.keys, stride: item.valueStride)
        && sinkK.count >= item.extent(item.sinks, stride: item.keyStride)
        && sinkV.count >= item.extent(item.sinks, stride: item.valueStride),
      "queries, keys or values outside their span")
    precondition(
      item.sinks >= 0 && (item.sinks == 0 || item.window > 0) && item.past >= -item.sinks,
      "sinks go with a window, and lie before the keys")
    precondition(
      phiQ.count >= item.group * item.length * item.features && windowFactors.count >= item.group
        && phiK.count >= keyFeatures * item.features
        && (scales.isEmpty || scales.count >= item.keys), "features outside their span")
    precondition(scales.isEmpty || item.window == 0, "scales do not go with a window")
    // Safe: the lines above and `address` checked every extent; no pointer leaves `body`.
    unsafe scratch.address(needing: max(1, needed)) { scratch in
      unsafe withSinks { sinkK, sinkV in
        unsafe q.withUnsafeBufferPointer { q in
          unsafe k.withUnsafeBufferPointer { k in
            unsafe v.withUnsafeBufferPointer { v in
              unsafe phiQ.withUnsafeBufferPointer { phiQ in
                unsafe phiK.withUnsafeBufferPointer { phiK in
                  unsafe scales.withUnsafeBufferPointer { scales in
                    unsafe windowFactors.withUnsafeBufferPointer { windowFactors in
                      var pointers = unsafe hh_linear_item()
                      unsafe item.fill(&pointers)
                      unsafe pointers.q = q.baseAddress
                      unsafe pointers.k = k.baseAddress
                      unsafe pointers.v = v.baseAddress
                      unsafe pointers.sink_k = sinkK
                      unsafe pointers.sink_v = sinkV
                      unsafe pointers.phi_q = phiQ.baseAddress
                      unsafe pointers.phi_k = phiK.baseAddress
                      unsafe pointers.scales = scales.isEmpty ? nil : scales.baseAddress
                      unsafe pointers.window_factors = windowFactors.baseAddress
                      unsafe pointers.scratch = scratch
                      unsafe body(&pointers)
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  private func withSinks(
    _ body: (_ k: UnsafePointer<Float>?, _ v: UnsafePointer<Float>?) -> Void
  ) {
    // Safe: `withItem` checked both extents; no pointer leaves `body`.
    unsafe sinkK.withUnsafeBufferPointer { k in
      unsafe sinkV.withUnsafeBufferPointer { v in unsafe body(k.baseAddress, v.baseAddress) }
    }
  }
}

/// Floats of a state of `linearAttention`: S (features, headSize), z (features), the logarithm of
/// their scale, and what rounds them up to whole vectors.
package func linearAttentionState(features: Int, headSize: Int) -> Int {
  hh_linear_attention_state(features, headSize)
}

/// Resets a state to that of no keys: zeros, and a scale below that of any key.
package func emptyLinearAttentionState(
  _ state: inout MutableSpan<Float>, features: Int, headSize: Int
) {
  state.update(repeating: 0)
  state[features * (headSize + 1)] = -1e30
}

/// out_i = Σ_j w_ij v_j / (Σ_j w_ij + ε) over the keys that query i sees.
///
/// w_ij is the head's window factor · exp(score_ij − the largest such score) for the `window`
/// nearest keys and the sinks, and φ_q,i · φ_k,j at the keys' scales for all others (LoLCATs, arXiv
/// 2410.10254, equation 7; sinks as in StreamingLLM, arXiv 2309.17453).
///
/// - Parameters:
///   - item: Sizes and factors.
///   - inputs: Queries, keys, values and features; features of keys from `linearKeys` on are not
///     read.
///   - before: The state of the keys before the item's first; empty for none.
///   - after: Overwritten with the state of the item's first `linearKeys` keys and those before
///     them; empty where it is not wanted. It may be the memory of `before`.
///   - out: Outputs.
///   - scratch: `item.scratch` floats.
package func linearAttention(
  _ item: LinearAttentionItem, _ inputs: LinearAttentionInputs, before: Span<Float>,
  after: inout MutableSpan<Float>, into out: inout MutableSpan<Float>,
  scratch: inout MutableSpan<Float>
) {
  let size = linearAttentionState(features: item.features, headSize: item.headSize)
  precondition(
    (before.isEmpty || before.count >= size) && (after.isEmpty || after.count >= size),
    "linearAttention: a state has \(size) floats")
  precondition(
    out.count >= item.groupExtent(stride: item.outStride), "outputs outside their span")
  // Safe: the lines above checked states and output, `withItem` the rest.
  unsafe out.withUnsafeMutableBufferPointer { out in
    unsafe before.withUnsafeBufferPointer { before in
      unsafe after.withUnsafeMutableBufferPointer { after in
        unsafe inputs.withItem(
          item, keyFeatures: item.linearKeys, scratch: &scratch, needing: item.scratch
        ) { pointers in
          unsafe pointers.out = out.baseAddress
          unsafe hh_linear_attention_forward(
            &pointers, before.isEmpty ? nil : before.baseAddress,
            after.isEmpty ? nil : after.baseAddress)
        }
      }
    }
  }
}

/// The gradients of `linearAttention` without states, but for those of q and k through features.
///
/// `dPhiQ` is overwritten, everything else is added to. `dQ` and `dK` have the strides of q and k's
/// gradients; they are touched only where there is a window. `dSinkK` and `dSinkV` are the rows of
/// the sinks, with the same strides.
package func linearAttentionBackward(
  _ item: LinearAttentionItem, _ inputs: LinearAttentionInputs, out: Span<Float>,
  dOut: Span<Float>, strides: AttentionGradientStrides, dPhiQ: inout MutableSpan<Float>,
  dPhiK: inout MutableSpan<Float>, dQ: inout MutableSpan<Float>, dK: inout MutableSpan<Float>,
  dV: inout MutableSpan<Float>, dSinkK: inout MutableSpan<Float>,
  dSinkV: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
) -> Float {
  let (length, keys, features) = (item.length, item.keys, item.features)
  precondition(
    out.count >= item.extent(length, stride: item.outStride)
      && dOut.count >= item.extent(length, stride: strides.dOut)
      && dQ.count >= item.extent(length, stride: strides.dQ)
      && dK.count >= item.extent(keys, stride: strides.dK)
      && dV.count >= item.extent(keys, stride: strides.dV)
      && dSinkK.count >= item.extent(item.sinks, stride: strides.dK)
      && dSinkV.count >= item.extent(item.sinks, stride: strides.dV),
    "gradients outside their span")
  precondition(
    item.group == 1 && item.past == -item.sinks && item.queryStep == 1
      && item.sinks + keys <= length && dPhiQ.count >= (item.sinks + keys) * features
      && dPhiK.count >= keys * features, "gradients of features outside their span")
  var dWindowFactor: Float = 0
  // Safe: the lines above checked every gradient, `withItem` the rest; `out` is only read.
  unsafe out.withUnsafeBufferPointer { out in
    unsafe dOut.withUnsafeBufferPointer { dOut in
      unsafe dPhiQ.withUnsafeMutableBufferPointer { dPhiQ in
        unsafe dPhiK.withUnsafeMutableBufferPointer { dPhiK in
          unsafe dQ.withUnsafeMutableBufferPointer { dQ in
            unsafe dK.withUnsafeMutableBufferPointer { dK in
              unsafe dV.withUnsafeMutableBufferPointer { dV in
                unsafe dSinkK.withUnsafeMutableBufferPointer { dSinkK in
                  unsafe dSinkV.withUnsafeMutableBufferPointer { dSinkV in
                    unsafe withUnsafeMutablePointer(to: &dWindowFactor) { dWindowFactor in
                      let gradients = unsafe hh_linear_gradients(
                        dout: dOut.baseAddress, dout_stride: strides.dOut,
                        dphi_q: dPhiQ.baseAddress,
                        dphi_k: dPhiK.baseAddress, dq: dQ.baseAddress, dq_stride: strides.dQ,
                        dk: dK.baseAddress, dk_stride: strides.dK, dv: dV.baseAddress,
                        dv_stride: strides.dV, dsink_k: dSinkK.baseAddress,
                        dsink_v: dSinkV.baseAddress, dwindow_factor: dWindowFactor)
                      unsafe inputs.withItem(
                        item, keyFeatures: keys, scratch: &scratch, needing: item.backwardScratch
                      ) { pointers in
                        unsafe pointers.out = UnsafeMutablePointer(mutating: out.baseAddress)
                        unsafe withUnsafePointer(to: gradients) {
                          unsafe hh_linear_attention_backward(&pointers, $0)
                        }
                      }
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }
  return dWindowFactor
}
