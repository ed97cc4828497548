// The only Swift that sees the C kernels: spans in, spans out, every count checked.

internal import CHHKernels

// MARK: Conversion

/// float16 to float32, exact. `source` holds two bytes per element of `output`, at any address.
package func convertF16(_ source: RawSpan, to output: inout MutableSpan<Float>) {
  precondition(source.byteCount == output.count * 2, "convertF16: byte count and element count")
  // Safe: both buffers hold exactly `count` elements, and an inout span overlaps nothing.
  unsafe source.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBufferPointer { output in
      unsafe hh_f32_from_f16(output.baseAddress, source.baseAddress, output.count)
    }
  }
}

/// bfloat16 to float32, exact. `source` holds two bytes per element of `output`, at any address.
package func convertBF16(_ source: RawSpan, to output: inout MutableSpan<Float>) {
  precondition(source.byteCount == output.count * 2, "convertBF16: byte count and element count")
  // Safe: both buffers hold exactly `count` elements, and an inout span overlaps nothing.
  unsafe source.withUnsafeBytes { source in
    unsafe output.withUnsafeMutableBufferPointer { output in
      unsafe hh_f32_from_bf16(output.baseAddress, source.baseAddress, output.count)
    }
  }
}

/// float32 to float16 bits: to nearest, ties to even; too large becomes infinity, NaN stays NaN.
package func convertToF16(_ source: Span<Float>, to output: inout MutableSpan<UInt16>) {
  precondition(source.count == output.count, "convertToF16: element counts")
  // Safe: both buffers hold exactly `count` elements, and an inout span overlaps nothing.
  unsafe source.withUnsafeBufferPointer { source in
    unsafe output.withUnsafeMutableBufferPointer { output in
      unsafe hh_f16_from_f32(output.baseAddress, source.baseAddress, source.count)
    }
  }
}

/// float32 to bfloat16 bits: to nearest, ties to even; NaN stays NaN.
package func convertToBF16(_ source: Span<Float>, to output: inout MutableSpan<UInt16>) {
  precondition(source.count == output.count, "convertToBF16: element counts")
  // Safe: both buffers hold exactly `count` elements, and an inout span overlaps nothing.
  unsafe source.withUnsafeBufferPointer { source in
    unsafe output.withUnsafeMutableBufferPointer { output in
      unsafe hh_bf16_from_f32(output.baseAddress, source.baseAddress, source.count)
    }
  }
}

/// Index of the first two-byte element with all bits of `mask` set, or nil. With the exponent field
/// as the mask (0x7C00 for float16, 0x7F80 for bfloat16) that is the first infinity or NaN.
package func firstElement16(in source: RawSpan, withAllBitsOf mask: UInt16) -> Int? {
  let count = source.byteCount / 2
  // Safe: the kernel reads `count` elements of two bytes, which the span holds.
  let index = unsafe source.withUnsafeBytes {
    unsafe hh_first_with_bits_16($0.baseAddress, count, mask)
  }
  return index < count ? index : nil
}

/// Index of the first four-byte element with all bits of `mask` set, or nil; 0x7F80_0000 finds the
/// first infinity or NaN of float32.
package func firstElement32(in source: RawSpan, withAllBitsOf mask: UInt32) -> Int? {
  let count = source.byteCount / 4
  // Safe: the kernel reads `count` elements of four bytes, which the span holds.
  let index = unsafe source.withUnsafeBytes {
    unsafe hh_first_with_bits_32($0.baseAddress, count, mask)
  }
  return index < count ? index : nil
}

/// Index of the first eight-byte element with all bits of `mask` set, or nil;
/// 0x7FF0_0000_0000_0000 finds the first infinity or NaN of float64.
package func firstElement64(in source: RawSpan, withAllBitsOf mask: UInt64) -> Int? {
  let count = source.byteCount / 8
  // Safe: the kernel reads `count` elements of eight bytes, which the span holds.
  let index = unsafe source.withUnsafeBytes {
    unsafe hh_first_with_bits_64($0.baseAddress, count, mask)
  }
  return index < count ? index : nil
}

// MARK: Dequantisation

/// Decodes blocks of a ggml type, given by its number in GGUF files, to float32. `blocks` may start
/// at any address and holds exactly the blocks of `output`; the sizes are those of the type.
package func dequantize(
  _ blocks: RawSpan, type: UInt32, elementsPerBlock: Int, bytesPerBlock: Int,
  to output: inout MutableSpan<Float>
) {
  let count = blocks.byteCount / bytesPerBlock
  precondition(blocks.byteCount == count * bytesPerBlock, "dequantize: a whole number of blocks")
  precondition(output.count == count * elementsPerBlock, "dequantize: element count")
  // Safe: both buffers hold exactly `count` blocks, and an inout span overlaps nothing.
  let isKnown = unsafe blocks.withUnsafeBytes { blocks in
    unsafe output.withUnsafeMutableBufferPointer { output in
      // An empty buffer may have no address at all, and there is nothing to do then.
      guard let target = output.baseAddress, let source = blocks.baseAddress else { return true }
      return unsafe hh_dequantize(type, target, source, count) == 1
    }
  }
  precondition(isKnown, "dequantize: a known type")
}

// MARK: Byte planes

/// Byte `plane` of every little-endian word, each word first rotated left by one bit; plane 0 is
/// the least significant. `words` holds `output.count` words of `width` (2 or 4) bytes, at any
/// address.
package func extractPlane(
  _ plane: Int, of words: RawSpan, width: Int, to output: inout MutableSpan<UInt8>
) {
  precondition(width == 2 || width == 4, "extractPlane: words are two or four bytes wide")
  precondition((0..<width).contains(plane), "extractPlane: plane outside the word")
  precondition(words.byteCount == output.count * width, "extractPlane: byte count and word count")
  // Safe: the source holds exactly `count` words, and an inout span overlaps nothing.
  unsafe words.withUnsafeBytes { words in
    unsafe output.withUnsafeMutableBufferPointer { output in
      // An empty buffer may have no address at all, and there is nothing to do then.
      guard let target = output.baseAddress else { return }
      if width == 2 {
        unsafe hh_plane_of_16(target, words.baseAddress, output.count, UInt32(plane))
      } else {
        unsafe hh_plane_of_32(target, words.baseAddress, output.count, UInt32(plane))
      }
    }
  }
}

/// Undoes `extractPlane`: words of `width` (2 or 4) bytes from as many planes, which lie one after
/// the other in `planes`, plane 0 first.
package func joinPlanes(_ planes: RawSpan, width: Int, to words: inout MutableSpan<UInt8>) {
  precondition(width == 2 || width == 4, "joinPlanes: words are two or four bytes wide")
  precondition(planes.byteCount == words.count, "joinPlanes: byte counts")
  precondition(words.count.isMultiple(of: width), "joinPlanes: a whole number of words")
  let count = words.count / width
  // Safe: both buffers hold `count` times `width` bytes, and an inout span overlaps nothing.
  unsafe planes.withUnsafeBytes { planes in
    unsafe words.withUnsafeMutableBufferPointer { words in
      let source = unsafe planes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      guard let source = unsafe source, let target = words.baseAddress else { return }
      if width == 2 {
        unsafe hh_join_planes_16(target, source, count)
      } else {
        unsafe hh_join_planes_32(target, source, count)
      }
    }
  }
}

// MARK: Matrices

/// Where the rows of a row-major matrix lie in a span that starts at its first element.
package struct RowLayout: Sendable {
  /// Number of rows.
  package let rows: Int
  /// Elements of a row.
  package let columns: Int
  /// Elements from the start of one row to the start of the next.
  package let stride: Int

  /// Creates a layout; negative sizes and rows that overlap are programmer errors.
  package init(rows: Int, columns: Int, stride: Int) {
    precondition(rows >= 0 && columns >= 0 && stride >= columns, "rows must not overlap")
    self.rows = rows
    self.columns = columns
    self.stride = stride
  }

  /// Elements from the first to behind the last.
  package var extent: Int { rows == 0 || columns == 0 ? 0 : (rows - 1) * stride + columns }
}

extension Span<Float> {
  /// Runs `body` on the address of the elements, of which there must be at least `needed`.
  func address(
    needing needed: Int, _ body: (UnsafePointer<Float>) -> Void
  ) {
    precondition(count >= needed, "the matrix is larger than its span")
    guard needed > 0 else { return }
    // Safe: the address does not leave `body`, and the callers read `needed` elements at most.
    unsafe withUnsafeBufferPointer {
      if let base = $0.baseAddress { unsafe body(base) }
    }
  }
}

extension MutableSpan<Float> {
  /// Runs `body` on the address of the elements, of which there must be at least `needed`.
  mutating func address(
    needing needed: Int, _ body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    precondition(count >= needed, "the matrix is larger than its span")
    guard needed > 0 else { return }
    // Safe: the address does not leave `body`, and the callers write `needed` elements at most.
    unsafe withUnsafeMutableBufferPointer {
      if let base = $0.baseAddress { unsafe body(base) }
    }
  }
}

// MARK: Elementwise

/// x += bias, one bias per column.
package func addBias(_ x: inout MutableSpan<Float>, _ layout: RowLayout, bias: Span<Float>) {
  // Safe: `address` checked both extents.
  unsafe x.address(needing: layout.extent) { x in
    unsafe bias.address(needing: layout.columns) { bias in
      unsafe hh_add_bias(layout.rows, layout.columns, x, layout.stride, bias)
    }
  }
}

/// x += y; `y` has the rows and columns of `x` and its own stride.
package func add(
  _ x: inout MutableSpan<Float>, _ layout: RowLayout, _ y: Span<Float>, _ yLayout: RowLayout
) {
  precondition(layout.rows == yLayout.rows && layout.columns == yLayout.columns, "add: shapes")
  // Safe: `address` checked both extents.
  unsafe x.address(needing: layout.extent) { x in
    unsafe y.address(needing: yLayout.extent) { y in
      unsafe hh_add(layout.rows, layout.columns, x, layout.stride, y, yLayout.stride)
    }
  }
}

/// The elementwise functions between linear layers.
package enum ElementwiseFunction: String, Sendable, CaseIterable {
  /// x Φ(x), exact.
  case gelu
  /// GELU's tanh approximation.
  case geluTanh
  /// max(x, 0).
  case relu
  /// x / (1 + e⁻ˣ).
  case silu
  /// Hyperbolic tangent.
  case tanh
}

/// out = function(x); `x` and `out` may be the same memory.
package func apply(
  _ function: ElementwiseFunction, to x: Span<Float>, _ layout: RowLayout,
  into out: inout MutableSpan<Float>, _ outLayout: RowLayout
) {
  precondition(
    layout.rows == outLayout.rows && layout.columns == outLayout.columns, "apply: shapes")
  // Safe: `address` checked both extents; the kernels read an element before they write it.
  unsafe out.address(needing: outLayout.extent) { out in
    unsafe x.address(needing: layout.extent) { x in
      let (rows, columns) = (layout.rows, layout.columns)
      let (stride, outStride) = (layout.stride, outLayout.stride)
      switch function {
      case .gelu: unsafe hh_gelu_forward(rows, columns, x, stride, out, outStride)
      case .geluTanh: unsafe hh_gelu_tanh_forward(rows, columns, x, stride, out, outStride)
      case .relu: unsafe hh_relu_forward(rows, columns, x, stride, out, outStride)
      case .silu: unsafe hh_silu_forward(rows, columns, x, stride, out, outStride)
      case .tanh: unsafe hh_tanh_forward(rows, columns, x, stride, out, outStride)
      }
    }
  }
}

/// out = silu(gate) · up; `gate` and `out` may be the same memory.
package func siluMultiply(
  _ gate: Span<Float>, _ layout: RowLayout, _ up: Span<Float>, _ upLayout: RowLayout,
  into out: inout MutableSpan<Float>, _ outLayout: RowLayout
) {
  precondition(
    layout.rows == upLayout.rows && layout.columns == upLayout.columns
      && layout.rows == outLayout.rows && layout.columns == outLayout.columns,
    "siluMultiply: shapes")
  // Safe: `address` checked every extent; the kernel reads an element before it writes it.
  unsafe out.address(needing: outLayout.extent) { out in
    unsafe gate.address(needing: layout.extent) { gate in
      unsafe up.address(needing: upLayout.extent) { up in
        unsafe hh_silu_multiply_forward(
          layout.rows, layout.columns, gate, layout.stride, up, upLayout.stride, out,
          outLayout.stride)
      }
    }
  }
}

/// out = x / (1 − probability), or 0 with that probability; `x` and `out` may be the same memory.
///
/// An element's fate depends on `key` and its index, rows counted from `firstRow`, alone.
package func dropout(
  _ x: Span<Float>, _ layout: RowLayout, firstRow: Int, key: UInt32, probability: Float,
  into out: inout MutableSpan<Float>, _ outLayout: RowLayout
) {
  precondition(
    layout.rows == outLayout.rows && layout.columns == outLayout.columns, "dropout: shapes")
  precondition((0..<1).contains(probability) && firstRow >= 0, "dropout: a probability below 1")
  // Safe: `address` checked both extents; the kernel reads an element before it writes it.
  unsafe out.address(needing: outLayout.extent) { out in
    unsafe x.address(needing: layout.extent) { x in
      unsafe hh_dropout(
        layout.rows, layout.columns, x, layout.stride, firstRow, key, probability, out,
        outLayout.stride)
    }
  }
}

// MARK: Normalisation

/// out = (x − mean) / √(variance + epsilon) · weight + bias, row by row. `out` may be `x`.
package func layerNorm(
  _ x: Span<Float>, _ layout: RowLayout, weight: Span<Float>, bias: Span<Float>, epsilon: Float,
  into out: inout MutableSpan<Float>, _ outLayout: RowLayout
) {
  precondition(
    layout.rows == outLayout.rows && layout.columns == outLayout.columns, "layerNorm: shapes")
  // Safe: `address` checked every extent; the kernel reads a row before it writes it.
  unsafe out.address(needing: outLayout.extent) { out in
    unsafe x.address(needing: layout.extent) { x in
      unsafe weight.address(needing: layout.columns) { weight in
        unsafe bias.address(needing: layout.columns) { bias in
          unsafe hh_layer_norm_forward(
            layout.rows, layout.columns, x, layout.stride, weight, bias, epsilon, out,
            outLayout.stride)
        }
      }
    }
  }
}

/// out = x / √(mean of x² + epsilon) · weight, row by row. `out` may be `x`.
package func rmsNorm(
  _ x: Span<Float>, _ layout: RowLayout, weight: Span<Float>, epsilon: Float,
  into out: inout MutableSpan<Float>, _ outLayout: RowLayout
) {
  precondition(
    layout.rows == outLayout.rows && layout.columns == outLayout.columns, "rmsNorm: shapes")
  // Safe: `address` checked every extent; the kernel reads a row before it writes it.
  unsafe out.address(needing: outLayout.extent) { out in
    unsafe x.address(needing: layout.extent) { x in
      unsafe weight.address(needing: layout.columns) { weight in
        unsafe hh_rms_norm_forward(
          layout.rows, layout.columns, x, layout.stride, weight, epsilon, out, outLayout.stride)
      }
    }
  }
}

// MARK: Rotary positions

/// Turns the heads of `x` in place, rotate-half layout, or back. Row i is at position
/// (firstRow + i) mod length + offset of the tables, which hold headSize / 2 values per position.
package func applyRotary(
  _ x: inout MutableSpan<Float>, _ layout: RowLayout, headSize: Int, cosine: Span<Float>,
  sine: Span<Float>, firstRow: Int, length: Int, offset: Int, backwards: Bool
) {
  precondition(headSize > 0 && headSize.isMultiple(of: 2), "applyRotary: an even head size")
  precondition(layout.columns.isMultiple(of: headSize), "applyRotary: whole heads")
  precondition(firstRow >= 0 && length > 0 && offset >= 0, "applyRotary: positions")
  let table = (length + offset) * (headSize / 2)
  // Safe: every position is below length + offset, and `address` checked the extents.
  unsafe x.address(needing: layout.extent) { x in
    unsafe cosine.address(needing: table) { cosine in
      unsafe sine.address(needing: table) { sine in
        unsafe hh_rotary(
          layout.rows, layout.columns / headSize, headSize, x, layout.stride, cosine, sine,
          firstRow, length, offset, backwards ? -1 : 1)
      }
    }
  }
}

// MARK: Attention

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

// MARK: Feature map

/// φ (rows, 2 half) = [softmax(u), softmax(−u)], u = x W + b.
package func featureMap(
  _ x: Span<Float>, _ layout: RowLayout, weight: Span<Float>, bias: Span<Float>, half: Int,
  into phi: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
) {
  let needed = featureMapScratch(rows: layout.rows, headSize: layout.columns, half: half)
  // Safe: `address` checked every extent.
  unsafe scratch.address(needing: needed) { scratch in
    unsafe phi.address(needing: layout.rows * 2 * half) { phi in
      unsafe x.address(needing: layout.extent) { x in
        unsafe weight.address(needing: layout.columns * half) { weight in
          unsafe bias.address(needing: half) { bias in
            unsafe hh_feature_map_forward(
              layout.rows, layout.columns, half, x, layout.stride, weight, bias, phi, scratch)
          }
        }
      }
    }
  }
}

/// Adds the gradients of W (columns, half) and b (half), given φ and dφ (rows, 2 half).
package func featureMapBackward(
  _ x: Span<Float>, _ layout: RowLayout, phi: Span<Float>, dPhi: Span<Float>, half: Int,
  dWeight: inout MutableSpan<Float>, dBias: inout MutableSpan<Float>,
  scratch: inout MutableSpan<Float>
) {
  let needed = featureMapScratch(rows: layout.rows, headSize: layout.columns, half: half)
  // Safe: `address` checked every extent.
  unsafe scratch.address(needing: needed) { scratch in
    unsafe dWeight.address(needing: layout.columns * half) { dWeight in
      unsafe dBias.address(needing: half) { dBias in
        unsafe x.address(needing: layout.extent) { x in
          unsafe phi.address(needing: layout.rows * 2 * half) { phi in
            unsafe dPhi.address(needing: layout.rows * 2 * half) { dPhi in
              unsafe hh_feature_map_backward(
                layout.rows, layout.columns, half, x, layout.stride, phi, dPhi, dWeight, dBias,
                scratch)
            }
          }
        }
      }
    }
  }
}

/// Floats of scratch space for `featureMap` and `featureMapBackward`.
package func featureMapScratch(rows: Int, headSize: Int, half: Int) -> Int {
  hh_feature_map_scratch(rows, headSize, half)
}

// MARK: Distillation

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

// MARK: Optimiser

/// The scalars of one AdamW step, bias corrections worked in.
package struct AdamWStep: Sendable {
  /// Learning rate / (1 − β₁ᵗ).
  package var rate: Float
  /// Learning rate · weight decay.
  package var decay: Float
  /// 1 − β₁.
  package var firstRate: Float
  /// 1 − β₂.
  package var secondRate: Float
  /// 1 / √(1 − β₂ᵗ).
  package var secondScale: Float
  /// Added to the root of the second moment.
  package var epsilon: Float
  /// Factor of the gradients.
  package var gradientScale: Float

  /// Creates the scalars of a step.
  package init(
    rate: Float, decay: Float, firstRate: Float, secondRate: Float, secondScale: Float,
    epsilon: Float, gradientScale: Float
  ) {
    self.rate = rate
    self.decay = decay
    self.firstRate = firstRate
    self.secondRate = secondRate
    self.secondScale = secondScale
    self.epsilon = epsilon
    self.gradientScale = gradientScale
  }
}

/// One AdamW step: moves both moments, then the parameters.
package func adamW(
  _ parameters: inout MutableSpan<Float>, gradients: Span<Float>,
  first: inout MutableSpan<Float>, second: inout MutableSpan<Float>, _ step: AdamWStep
) {
  let count = parameters.count
  precondition(
    gradients.count == count && first.count == count && second.count == count, "adamW: counts")
  let scalars = hh_adamw_step(
    rate: step.rate, decay: step.decay, first_rate: step.firstRate, second_rate: step.secondRate,
    second_scale: step.secondScale, epsilon: step.epsilon, gradient_scale: step.gradientScale)
  // Safe: all four have `count` elements.
  unsafe parameters.address(needing: count) { parameters in
    unsafe gradients.address(needing: count) { gradients in
      unsafe first.address(needing: count) { first in
        unsafe second.address(needing: count) { second in
          unsafe withUnsafePointer(to: scalars) {
            unsafe hh_adamw(count, parameters, gradients, first, second, $0)
          }
        }
      }
    }
  }
}

/// Sum of squares, in double precision and in a fixed order.
package func sumOfSquares(_ x: Span<Float>) -> Double {
  // Safe: the kernel reads the buffer's elements only.
  unsafe x.withUnsafeBufferPointer { unsafe hh_sum_of_squares($0.count, $0.baseAddress) }
}
