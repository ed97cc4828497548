// Softmax attention: spans in, spans out, every count checked.

internal import CHHKernels

/// One sequence and one key/value head with the query heads that share it.
package struct SoftmaxAttentionItem: Sendable {
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

  /// Whether it is one query against keys that came before it, as in decoding.
  var isDecoding: Bool { length == 1 && !causal }

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

/// The same for one query that sees all of `keys` keys.
package func softmaxDecodingScratch(keys: Int) -> Int { hh_softmax_decoding_scratch(keys) }

/// out = softmax(scale · q kᵀ) v. Queries without any valid key give zeros.
package func softmaxAttention(
  _ item: SoftmaxAttentionItem, q: Span<Float>, k: Span<Float>, v: Span<Float>, scale: Float,
  into out: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
) {
  let needed =
    item.isDecoding
    ? softmaxDecodingScratch(keys: item.keys)
    : softmaxAttentionScratch(keys: item.keys, headSize: item.headSize)
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
            let pointers = unsafe hh_softmax_item(
              length: item.length, keys: item.keys, head_size: item.headSize, group: item.group,
              causal: item.causal ? 1 : 0, q: q, q_stride: item.queryStride, k: k.baseAddress,
              k_stride: item.keyStride, v: v.baseAddress, v_stride: item.valueStride, out: out,
              out_stride: item.outStride, scratch: scratch)
            unsafe withUnsafePointer(to: pointers) {
              if item.isDecoding {
                unsafe hh_softmax_attention_decode($0, scale)
              } else {
                unsafe hh_softmax_attention_forward($0, scale)
              }
            }
          }
        }
      }
    }
  }
}
