// Softmax attention of one key/value head, a block of queries at a time.
#include "CHHKernels.h"
#include "softmax_block.h"

enum { BLOCK = HH_QUERY_BLOCK };

size_t hh_softmax_attention_scratch(size_t keys, size_t head_size) {
  return hh_round_up(keys) * head_size + keys * hh_round_up(head_size) + BLOCK * head_size
         + BLOCK * hh_score_stride(keys);
}

/// out = sum of weights[j] * v[j], the first `columns` of them.
HH_INLINE void weighted_sum(
  const float *weights, size_t n, const float *v, size_t stride, size_t columns, float *out) {
  enum { VECTORS = 4 };
  size_t c = 0;
  for (; c + VECTORS * HH_LANES <= columns; c += VECTORS * HH_LANES) {
    hh_vec sum[VECTORS] = {0};
    for (size_t j = 0; j < n; j++)
      for (size_t t = 0; t < VECTORS; t++)
        sum[t] += weights[j] * hh_load(v + j * stride + c + t * HH_LANES);
    for (size_t t = 0; t < VECTORS; t++) hh_store(out + c + t * HH_LANES, sum[t]);
  }
  for (; c < columns; c += HH_LANES) {
    const size_t count = hh_smaller(columns - c, HH_LANES);
    hh_vec sum = {0}, value;
    for (size_t j = 0; j < n; j++) {
      hh_load_some(&value, v + j * stride + c, count);
      sum += weights[j] * value;
    }
    hh_store_some(out + c, &sum, count);
  }
}

/// scores[j] = scale * q . k_j of `n` keys.
HH_INLINE void score_keys(
  const float *q, const float *k, size_t stride, size_t n, size_t d, float scale, float *scores) {
  size_t j = 0;
  if (d % HH_LANES == 0)
    for (; j + HH_LANES <= n; j += HH_LANES) {
      hh_vec sum[HH_LANES];
      _Pragma("clang loop unroll(full)") for (int l = 0; l < HH_LANES; l++) sum[l] = (hh_vec){0};
      for (size_t c = 0; c < d; c += HH_LANES) {
        const hh_vec query = hh_load(q + c);
        _Pragma("clang loop unroll(full)") for (int l = 0; l < HH_LANES; l++)
          sum[l] += query * hh_load(k + (j + (size_t)l) * stride + c);
      }
      hh_sums(sum);
      hh_store(scores + j, sum[0] * scale);
    }
  for (; j < n; j++) scores[j] = scale * hh_dot(q, k + j * stride, d);
}

size_t hh_softmax_decoding_scratch(size_t keys) { return hh_round_up(keys); }

HH_MULTIVERSION
void hh_softmax_attention_decode(const hh_softmax_item *item, float scale) {
  const size_t d = item->head_size, n = item->keys;
  float *scores = item->scratch;
  for (size_t g = 0; g < item->group; g++) {
    const float *q = item->q + g * d;
    float *out = item->out + g * d;
    score_keys(q, item->k, item->k_stride, n, d, scale, scores);
    const float sum = hh_exponentials(scores, n, n);
    const float inverse = n > 0 ? 1.0f / sum : 0;
    weighted_sum(scores, n, item->v, item->v_stride, d, out);
    for (size_t j = 0; j < d; j++) out[j] *= inverse;
  }
}

HH_MULTIVERSION
void hh_softmax_attention_forward(const hh_softmax_item *item, float scale) {
  const size_t d = item->head_size, n = item->keys, ld = hh_score_stride(n);
  float *key_panels = item->scratch;
  float *value_panels = key_panels + hh_round_up(n) * d;
  float *queries = value_panels + n * hh_round_up(d);
  float *scores = queries + BLOCK * d;
  hh_pack_transposed(d, n, item->k, item->k_stride, key_panels);
  hh_pack(n, d, item->v, item->v_stride, value_panels);
  for (size_t g = 0; g < item->group; g++) {
    for (size_t start = 0; start < item->length; start += BLOCK) {
      const size_t rows = hh_smaller(item->length - start, BLOCK);
      // With a causal mask the keys after the block's last query are never looked at.
      const size_t keys = item->causal ? hh_smaller(n, start + rows) : n;
      for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < d; j++)
          queries[i * d + j] = item->q[(start + i) * item->q_stride + g * d + j] * scale;
      hh_tile_gemm(rows, keys, d, queries, d, 1, key_panels, d, scores, ld, 0);
      float sums[BLOCK];
      for (size_t i = 0; i < rows; i++) {
        const size_t count = item->causal ? hh_smaller(n, start + i + 1) : n;
        sums[i] = hh_exponentials(scores + i * ld, count, keys);
      }
      float *out = item->out + start * item->out_stride + g * d;
      hh_tile_gemm(
        rows, d, keys, scores, ld, 1, value_panels, n, out, item->out_stride, 0);
      for (size_t i = 0; i < rows; i++) {
        const float inverse = keys > 0 ? 1.0f / sums[i] : 0;
        for (size_t j = 0; j < d; j++) out[i * item->out_stride + j] *= inverse;
      }
    }
  }
}
