// Backward passes of attention: spans in, spans out, every count checked.

internal import CHHKernels

/// What the forward pass of an attention item was given and gave, and the gradient that arrives.
package struct SoftmaxAttentionRecord: ~Escapable {
  let q: Span<Float>
  let k: Span<Float>
  let v: Span<Float>
  let out: Span<Float>
  let dOut: Span<Float>

  /// Gathers the spans.
  @_lifetime(copy q, copy k, copy v, copy out, copy dOut)
  package init(
    q: Span<Float>, k: Span<Float>, v: Span<Float>, out: Span<Float>, dOut: Span<Float>
  ) {
    self.q = q
    self.k = k
    self.v = v
    self.out = out
    self.dOut = dOut
  }
}

/// Row strides of the gradients of an attention item.
package struct AttentionGradientStrides: Sendable {
  let dOut: Int
  let dQ: Int
  let dK: Int
  let dV: Int

  /// Gathers the strides of the gradients of output, queries, keys and values.
  package init(dOut: Int, dQ: Int, dK: Int, dV: Int) {
    self.dOut = dOut
    self.dQ = dQ
    self.dK = dK
    self.dV = dV
  }
}

/// Floats of scratch space for `softmaxAttentionBackward` on `keys` keys.
package func softmaxAttentionBackwardScratch(keys: Int, headSize: Int) -> Int {
  hh_softmax_attention_backward_scratch(keys, headSize)
}

/// Gradients of out = softmax(scale · q kᵀ) v: `dQ` is overwritten, `dK` and `dV` are added to.
package func softmaxAttentionBackward(
  _ item: SoftmaxAttentionItem, _ record: SoftmaxAttentionRecord, scale: Float,
  dQ: inout MutableSpan<Float>,
  dK: inout MutableSpan<Float>, dV: inout MutableSpan<Float>, strides: AttentionGradientStrides,
  scratch: inout MutableSpan<Float>
) {
  let needed = softmaxAttentionBackwardScratch(keys: item.keys, headSize: item.headSize)
  func extent(_ rows: Int, _ columns: Int, _ stride: Int) -> Int {
    RowLayout(rows: rows, columns: columns, stride: stride).extent
  }
  let (length, keys, d) = (item.length, item.keys, item.headSize)
  let width = item.group * d
  let (k, v) = (record.k, record.v)
  // An item without keys still writes its rows, so an empty span must do as their address.
  precondition(
    k.count >= extent(keys, d, item.keyStride) && v.count >= extent(keys, d, item.valueStride)
      && dK.count >= extent(keys, d, strides.dK) && dV.count >= extent(keys, d, strides.dV),
    "keys, values or their gradients outside their span")
  let (q, out, dOut) = (record.q, record.out, record.dOut)
  // Safe: `address` checked the other extents, the lines above those of keys and values; the
  // backward kernels only read `out`.
  unsafe scratch.address(needing: needed) { scratch in
    unsafe dQ.address(needing: extent(length, width, strides.dQ)) { dQ in
      unsafe dOut.address(needing: extent(length, width, strides.dOut)) { dOut in
        unsafe out.address(needing: item.out.extent) { out in
          unsafe q.address(needing: item.queries.extent) { q in
            unsafe k.withUnsafeBufferPointer { k in
              unsafe v.withUnsafeBufferPointer { v in
                unsafe dK.withUnsafeMutableBufferPointer { dK in
                  unsafe dV.withUnsafeMutableBufferPointer { dV in
                    let pointers = unsafe hh_softmax_item(
                      length: length, keys: keys, head_size: d, group: item.group,
                      causal: item.causal ? 1 : 0, q: q, q_stride: item.queryStride,
                      k: k.baseAddress, k_stride: item.keyStride, v: v.baseAddress,
                      v_stride: item.valueStride, out: UnsafeMutablePointer(mutating: out),
                      out_stride: item.outStride, scratch: scratch)
                    let gradients = unsafe hh_softmax_gradients(
                      dout: dOut, dout_stride: strides.dOut, dq: dQ, dq_stride: strides.dQ,
                      dk: dK.baseAddress, dk_stride: strides.dK, dv: dV.baseAddress,
                      dv_stride: strides.dV)
                    unsafe withUnsafePointer(to: pointers) { pointers in
                      unsafe withUnsafePointer(to: gradients) {
                        unsafe hh_softmax_attention_backward(pointers, $0, scale)
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
